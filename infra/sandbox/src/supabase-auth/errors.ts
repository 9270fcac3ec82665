import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';

/** An answer that GoTrue would give: `code` is one of its `error_code`s, `details` extra members of the body. */
export class AuthError extends Error {
  override readonly name = 'AuthError';
  readonly status: number;
  readonly code: string;
  readonly details: Record<string, unknown>;

  constructor(status: number, code: string, message: string, details: Record<string, unknown> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

export const invalidCredentials = (): AuthError =>
  new AuthError(400, 'invalid_credentials', 'Invalid login credentials');
export const validationFailed = (message: string): AuthError => new AuthError(400, 'validation_failed', message);
export const emailExists = (): AuthError =>
  new AuthError(422, 'email_exists', 'A user with this email address has already been registered');

const API_VERSION_HEADER = 'x-supabase-api-version';
const API_VERSION = '2024-01-01';

function toAuthError(error: FastifyError | AuthError): AuthError {
  if (error instanceof AuthError) return error;
  if (error.statusCode === 413) return new AuthError(413, 'request_entity_too_large', 'Request body too large');
  if (error.statusCode !== undefined && error.statusCode < 500) {
    return new AuthError(400, 'bad_json', `Could not parse request body as JSON: ${error.message}`);
  }
  return new AuthError(500, 'unexpected_failure', 'Unexpected failure, please check server logs for more information');
}

/** GoTrue's two error bodies: `{ code, message }` to a client that names the API version, else the older one. */
export function sendAuthError(
  error: FastifyError | AuthError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { status, code, message, details } = toAuthError(error);
  if (status >= 500) request.log.error(error);
  void reply.code(status).header('x-sb-error-code', code);
  const asked_version = request.headers[API_VERSION_HEADER];
  if (typeof asked_version === 'string' && asked_version >= API_VERSION) {
    return reply.header(API_VERSION_HEADER, API_VERSION).send({ code, message, ...details });
  }
  return reply.send({ code: status, error_code: code, msg: message, ...details });
}
