import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import { AppError, type ErrorKind } from './errors.ts';
import { REQUEST_ID_HEADER } from './request-id.ts';

export const PROBLEM_TYPE = 'application/problem+json';

/** RFC 9457 problem details, with `code`, `request_id` and, where they help, what is wrong and what stands. */
export const problemSchema = z
  .object({
    type: z.string().meta({ description: 'A URN that names the kind of problem; ends in `code`.' }),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string(),
    instance: z.string().meta({ description: 'The path that was asked for.' }),
    code: z.string().meta({ description: 'Stable, for programs: `module.reason`.' }),
    request_id: z.string(),
    errors: z
      .array(z.object({ pointer: z.string(), message: z.string() }))
      .optional()
      .meta({ description: 'Every field at fault, by JSON pointer (RFC 6901).' }),
    current: z.unknown().optional().meta({ description: 'The row as it stands, for a conflict.' }),
    op_index: z.int().optional().meta({ description: 'Which operation of a mutation was refused.' }),
    reason: z
      .string()
      .optional()
      .meta({ description: 'Why, where `code` is not all that there is to say: `module.reason`.' }),
    occurrence: z
      .unknown()
      .optional()
      .meta({ description: 'The occurrence that could not be booked, for `schedule.booked`.' }),
    booked_by: z.unknown().optional().meta({ description: 'What has its time; null: you may not read it.' }),
    reset_at: z.string().optional().meta({ description: 'Of a quota: when there is room again.' }),
    retry_after_ms: z.number().optional(),
  })
  .meta({ id: 'Problem' });
export type Problem = z.infer<typeof problemSchema>;

export interface ProblemResponse {
  status: number;
  headers: Record<string, string>;
  body: Problem;
}

const STATUS_BY_KIND: Record<ErrorKind, number> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  precondition: 412,
  limit: 429,
  unavailable: 503,
};

/** Where the status is finer than the kind. */
const STATUS_BY_CODE: Record<string, number> = {
  'idempotency.key_reused': 422,
  'http.method_not_allowed': 405,
  'http.unsupported_encoding': 415,
  'http.upgrade_required': 426,
  'http.websocket_elsewhere': 426,
};

/** Milliseconds that a client waits after a 503 whose cause named no time of its own. */
const DEFAULT_RETRY_MS = 1_000;

/** What anybody may know of a fault of ours, whatever it was. */
export const INTERNAL = { code: 'platform.internal', message: 'Something went wrong on our side.' };

/**
 * An error as an HTTP answer in the form of RFC 9457; what is no AppError is a bare 500 that says nothing. `path` is what
 * was asked for, without its query. `status` is for what HTTP knows better than the error's kind.
 */
export function toProblem(
  error: unknown,
  request: { id: string; path: string },
  status: number = statusOf(error),
): ProblemResponse {
  const shown = error instanceof AppError ? error : new AppError('unavailable', INTERNAL.code, INTERNAL.message);
  const { errors, current, op_index, reason, occurrence, booked_by, reset_at, retry_after_ms } = shown.meta;
  const wait = retry_after_ms ?? (status === 503 ? DEFAULT_RETRY_MS : undefined);
  return {
    status,
    headers: headersOf(shown, status, request.id, wait),
    body: {
      type: `urn:potentia:problem:${shown.code}`,
      title: STATUS_CODES[status] ?? 'Error',
      status,
      detail: shown.message,
      instance: request.path,
      code: shown.code,
      request_id: request.id,
      errors,
      current,
      op_index: typeof op_index === 'number' ? op_index : undefined,
      reason: typeof reason === 'string' ? reason : undefined,
      occurrence,
      booked_by,
      reset_at: typeof reset_at === 'string' ? reset_at : undefined,
      retry_after_ms: wait,
    },
  };
}

const statusOf = (error: unknown): number =>
  error instanceof AppError ? (STATUS_BY_CODE[error.code] ?? STATUS_BY_KIND[error.kind]) : 500;

function headersOf(
  shown: { code: string; message: string },
  status: number,
  request_id: string,
  wait_ms: number | undefined,
): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': PROBLEM_TYPE, [REQUEST_ID_HEADER]: request_id };
  if (wait_ms !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(wait_ms / 1_000)));
  if (status === 401) headers['www-authenticate'] = challenge(shown);
  if (status === 426) Object.assign(headers, { upgrade: 'websocket', connection: 'upgrade' });
  return headers;
}

/** RFC 6750 3: whoever sent no token is told no error. */
function challenge({ code, message }: { code: string; message: string }): string {
  if (code === 'auth.token_missing') return 'Bearer realm="potentia"';
  return `Bearer realm="potentia", error="invalid_token", error_description="${message.replaceAll(/["\\]/g, '')}"`;
}
