import { AppError } from '@potentia/domain/platform/errors';
import { toProblem } from '@potentia/domain/platform/problem';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';

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

/** What Fastify refused by itself, as the AppError that a client may see; `null` when nothing of it may leave the house. */
function asAppError(error: FastifyError): { status: number; shown: AppError } | null {
  const known = FASTIFY_ERRORS[error.code];
  const status = error.statusCode ?? 500;
  if (known) {
    return { status, shown: new AppError(status >= 500 ? 'unavailable' : 'invalid', known.code, known.detail) };
  }
  if (status < 400 || status > 499) return null;
  return { status, shown: new AppError('invalid', 'http.bad_request', error.message) };
}

/** What `instance` shows: the path as the client wrote it, never the query (it may hold what is nobody's business). */
const instanceOf = (request: FastifyRequest): string => request.originalUrl.split('?', 1)[0] ?? '/';

/** Answers `error` as RFC 9457. Anything unknown is a bare 500; the reason goes to the log, once. */
export function sendProblem(
  error: FastifyError | AppError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const known = error instanceof AppError ? { shown: error, status: undefined } : asAppError(error);
  if (!known) {
    request.log.error({ err: error, request_id: request.id, route: request.routeOptions.url }, 'request failed');
  }
  const asked = { id: request.id, path: instanceOf(request) };
  const { status, headers, body } = toProblem(known?.shown ?? error, asked, known?.status);
  return reply.code(status).headers(headers).send(JSON.stringify(body));
}
