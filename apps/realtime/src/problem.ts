import { AppError, type ErrorKind } from '@potentia/domain/platform/errors';

const statuses: Record<ErrorKind, [status: number, title: string]> = {
  invalid: [400, 'Bad Request'],
  unauthenticated: [401, 'Unauthorized'],
  forbidden: [403, 'Forbidden'],
  not_found: [404, 'Not Found'],
  conflict: [409, 'Conflict'],
  precondition: [412, 'Precondition Failed'],
  limit: [429, 'Too Many Requests'],
  unavailable: [503, 'Service Unavailable'],
};

/** Where the status is finer than the kind. */
const status_by_code: Record<string, [status: number, title: string]> = {
  'http.upgrade_required': [426, 'Upgrade Required'],
};

export interface ProblemResponse {
  status: number;
  headers: Record<string, string>;
  body: Record<string, unknown>;
}

/** An error as RFC 9457 problem details, for a handshake that is refused before the upgrade. */
export function toProblem(error: unknown, request: { id: string; path: string }): ProblemResponse {
  const shown =
    error instanceof AppError ? error : new AppError('unavailable', 'internal', 'Something went wrong here');
  const [status, title] =
    error instanceof AppError ? (status_by_code[error.code] ?? statuses[error.kind]) : [500, 'Internal Server Error'];
  const { retry_after_ms, errors } = shown.meta;
  const headers: Record<string, string> = { 'content-type': 'application/problem+json', 'x-request-id': request.id };
  if (retry_after_ms !== undefined) headers['retry-after'] = String(Math.ceil(retry_after_ms / 1_000));
  if (status === 401) headers['www-authenticate'] = 'Bearer';
  if (status === 426) headers['upgrade'] = 'websocket';
  return {
    status,
    headers,
    body: {
      type: `urn:potentia:problem:${shown.code}`,
      title,
      status,
      detail: shown.message,
      instance: request.path,
      code: shown.code,
      request_id: request.id,
      errors,
      retry_after_ms,
    },
  };
}
