import { presenceBody } from '@potentia/domain/canvas/schemas';
import { AppError, type FieldError } from '@potentia/domain/platform/errors';
import { describeFaults, toFieldErrors } from '@potentia/domain/platform/parse';
import { INTERNAL } from '@potentia/domain/platform/problem';
import { ACCEPTED_REQUEST_ID } from '@potentia/domain/platform/request-id';
import { z } from 'zod';
import { id } from '@potentia/domain/platform/schemas';

export const PROTOCOL_VERSION = 1;
/** The subprotocol that a client offers and the server selects. */
export const SUBPROTOCOL = 'potentia.v1';
export const MAX_FRAME_BYTES = 256 * 1024;

/** What a close tells the client to do: 40xx stop, 41xx re-authenticate, 42xx retry, 43xx slow down. */
export const close_codes = {
  left: 1000,
  access_lost: 4003,
  canvas_deleted: 4004,
  protocol_abuse: 4009,
  token_expired: 4101,
  draining: 4200,
  unavailable: 4201,
  slow_consumer: 4300,
} as const;
export type CloseReason = keyof typeof close_codes;

const ref = z.string().max(128);

const mutate = z.strictObject({
  type: z.literal('mutate'),
  mutation_id: id,
  /** Checked by the verb, which knows the operations. */
  ops: z.array(z.unknown()),
  request_id: z.string().regex(ACCEPTED_REQUEST_ID).optional(),
});
const presence = presenceBody.extend({ type: z.literal('presence') });
const snapshot = z.strictObject({ type: z.literal('snapshot'), ref: ref.optional() });
const auth = z.strictObject({ type: z.literal('auth'), token: z.string(), ref: ref.optional() });
const ping = z.strictObject({ type: z.literal('ping'), ref: ref.optional() });
const leave = z.strictObject({ type: z.literal('leave') });

/** What a client of `/ws/me` may send. */
export const meFrameSchema = z.discriminatedUnion('type', [auth, ping, leave]);
/** What a client of `/ws/canvas/{id}` may send. */
export const canvasFrameSchema = z.discriminatedUnion('type', [mutate, presence, snapshot, auth, ping, leave]);

export type MeFrame = z.infer<typeof meFrameSchema>;
export type CanvasFrame = z.infer<typeof canvasFrameSchema>;
export type MutateFrame = z.infer<typeof mutate>;
export type PresenceInput = z.infer<typeof presence>;

/** A frame that cannot be taken: answered by an error frame with the client's own `ref`, where it had one. */
export class FrameError extends AppError {
  readonly ref: string | null;

  constructor(code: string, message: string, ref: string | null, errors?: FieldError[]) {
    super('invalid', code, message, errors ? { errors } : {});
    this.ref = ref;
  }
}

/** Reads a client's frame. Throws FrameError `frame.binary` (for null), `frame.invalid_json`, `frame.unknown_type` or `frame.invalid`. */
export function parseFrame<S extends z.ZodType>(schema: S, text: string | null): z.output<S> {
  if (text === null) throw new FrameError('frame.binary', 'Frames are JSON text', null);
  let input: unknown;
  try {
    input = JSON.parse(text);
  } catch {
    throw new FrameError('frame.invalid_json', 'The frame is not JSON', null);
  }
  if (MAY_POISON.test(text) && poisons(text)) {
    throw new FrameError('frame.invalid', 'The frame has a field that could reach a prototype', refOf(input));
  }
  const parsed = parseDeep(schema, input);
  if (parsed.success) return parsed.data;
  const unknown_type = parsed.error.issues.some(
    (issue) => issue.code === 'invalid_union' && issue.path[0] === 'type' && issue.path.length === 1,
  );
  const code = unknown_type ? 'frame.unknown_type' : 'frame.invalid';
  const errors = toFieldErrors(parsed.error);
  throw new FrameError(
    code,
    unknown_type ? 'This type of frame is not known here' : describeFaults(errors),
    refOf(input),
    errors,
  );
}

/** What is worth a closer look: a field of these names, or one that is written in escapes. */
const MAY_POISON = /__proto__|constructor|\\u00/i;

/** A field `__proto__`, or `constructor` with a `prototype`: refused as over HTTP, not dropped. */
function poisons(text: string): boolean {
  let found = false;
  try {
    JSON.parse(text, (key, value: unknown) => {
      found ||= key === '__proto__' || (key === 'constructor' && isObject(value) && Object.hasOwn(value, 'prototype'));
      return value;
    });
  } catch (error) {
    // Nested deeper than the stack: no schema takes it.
    if (!(error instanceof RangeError)) throw error;
  }
  return found;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** JSON can be nested deeper than the stack that checks it. */
function parseDeep<S extends z.ZodType>(schema: S, input: unknown): z.ZodSafeParseResult<z.output<S>> {
  try {
    return schema.safeParse(input);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new FrameError('frame.invalid', 'The frame is nested too deeply', refOf(input));
  }
}

/** What a frame calls itself, to be named in the answer: its `mutation_id`, else its `ref`. */
function refOf(input: unknown): string | null {
  if (!isObject(input)) return null;
  const { mutation_id, ref: own_ref } = input as Record<string, unknown>;
  const found = mutation_id ?? own_ref;
  return typeof found === 'string' && found.length <= 128 ? found : null;
}

/** The answer to a frame that was refused or failed. What is not an AppError is a fault of ours and says nothing. */
export function errorFrame(error: unknown, frame_ref: string | null): string {
  if (!(error instanceof AppError)) {
    return JSON.stringify({ type: 'error', ref: frame_ref, ...INTERNAL });
  }
  const { errors, retry_after_ms } = error.meta;
  const { code, message } = error;
  return JSON.stringify({ type: 'error', ref: frame_ref, code, message, errors, retry_after_ms });
}

/** The answer to a mutation that failed: a conflict frame with the current block, else an error frame. */
export function mutationErrorFrame(error: unknown, mutation_id: string): string {
  if (error instanceof AppError && error.kind === 'conflict' && error.meta.current !== undefined) {
    const { op_index, current } = error.meta;
    return JSON.stringify({ type: 'conflict', mutation_id, code: error.code, op_index, current });
  }
  return errorFrame(error, mutation_id);
}
