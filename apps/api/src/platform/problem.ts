import { STATUS_CODES } from 'node:http';
import { AppError, type ErrorKind } from '@potentia/domain/platform/errors';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';

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
    retry_after_ms: z.number().optional(),
  })
  .meta({ id: 'Problem' });

export type Problem = z.infer<typeof problemSchema>;

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
  'http.websocket_elsewhere': 426,
};

/** Seconds that a client waits after a 503 whose cause named no time of its own. */
const DEFAULT_RETRY_MS = 1_000;

const FASTIFY_ERRORS: Record<string, { code: string; detail: string }> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: 'http.unsupported_media_type',
    detail: 'This content type is not accepted here.',
  },
  FST_ERR_CTP_BODY_TOO_LARGE: {
    code: 'http.body_too_large',
    detail: 'The body is larger than this operation accepts.',
  },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: 'http.invalid_body',
    detail: 'The body does not match its Content-Length.',
  },
  FST_ERR_BAD_URL: { code: 'http.invalid_path', detail: 'The path is not a valid URL path.' },
  FST_ERR_MAX_PARAM_LENGTH: { code: 'http.invalid_path', detail: 'A part of the path is too long.' },
};

/** An error as the AppError that a client may see, or `null` when nothing about it may leave the house. */
function asAppError(error: FastifyError | AppError): { status: number; shown: AppError } | null {
  if (error instanceof AppError) {
    return { status: STATUS_BY_CODE[error.code] ?? STATUS_BY_KIND[error.kind], shown: error };
  }
  const known = FASTIFY_ERRORS[error.code];
  const status = error.statusCode ?? 500;
  if (known)
    return { status, shown: new AppError(status >= 500 ? 'unavailable' : 'invalid', known.code, known.detail) };
  if (status < 400 || status > 499) return null;
  return { status, shown: new AppError('invalid', 'http.bad_request', error.message) };
}

function challenge(error: AppError): string {
  if (error.code === 'auth.token_missing') return 'Bearer realm="potentia"';
  return `Bearer realm="potentia", error="invalid_token", error_description="${error.message.replaceAll(/["\\]/g, '')}"`;
}

/** What `instance` shows: the path as the client wrote it, never the query (it may hold what is nobody's business). */
const instanceOf = (request: FastifyRequest): string => request.originalUrl.split('?', 1)[0] ?? '/';

/** Answers `error` as RFC 9457. Anything unknown is a bare 500; the reason goes to the log, once. */
export function sendProblem(
  error: FastifyError | AppError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const known = asAppError(error);
  if (!known) {
    request.log.error({ err: error, request_id: request.id, route: request.routeOptions.url }, 'request failed');
  }
  const status = known?.status ?? 500;
  const shown = known?.shown ?? new AppError('unavailable', 'http.internal', 'Something went wrong on our side.');
  const { errors, current, op_index, retry_after_ms } = shown.meta;
  const wait = retry_after_ms ?? (status === 503 ? DEFAULT_RETRY_MS : undefined);

  if (status === 401) reply.header('www-authenticate', challenge(shown));
  if (wait !== undefined) reply.header('retry-after', Math.max(1, Math.ceil(wait / 1000)));
  const problem: Problem = {
    type: `urn:potentia:problem:${shown.code}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: shown.message,
    instance: instanceOf(request),
    code: shown.code,
    request_id: request.id,
    errors,
    current,
    op_index: typeof op_index === 'number' ? op_index : undefined,
    retry_after_ms: wait,
  };
  return reply.code(status).type(PROBLEM_TYPE).send(JSON.stringify(problem));
}
