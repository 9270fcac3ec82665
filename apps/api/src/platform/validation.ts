import { AppError } from '@potentia/domain/platform/errors';
import { toFieldErrors } from '@potentia/domain/platform/parse';
import type { FastifyInstance, FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';

const PREFIX: Record<string, string> = { querystring: '/query', params: '/path', headers: '/headers' };

const invalid = (errors: { pointer: string; message: string }[]): AppError => {
  const first = errors[0];
  const detail = first ? `${first.pointer || '/'}: ${first.message}` : 'The request is not valid';
  return new AppError('invalid', 'request.invalid', detail, { errors });
};

/**
 * Parses a part of the request by its zod schema. What is at fault is named by a pointer: into the body as it is, into the
 * path, the query and the headers behind `/path`, `/query` and `/headers`.
 */
export const zodValidator: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart }) => {
  const prefix = PREFIX[httpPart ?? ''] ?? '';
  return (data) => {
    const result = schema.safeParse(data);
    if (result.success) return { value: result.data };
    return {
      error: invalid(toFieldErrors(result.error).map((error) => ({ ...error, pointer: prefix + error.pointer }))),
    };
  };
};

/**
 * JSON bodies. Prototype poisoning is refused, and an empty body is `undefined`: many clients send the content type with
 * an empty POST.
 */
export function acceptJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) return done(null, undefined);
    void parse(request, body, (error, value) => {
      if (!error) return done(null, value);
      const errors = [{ pointer: '', message: 'Not valid JSON' }];
      done(new AppError('invalid', 'http.invalid_json', 'The body is not valid JSON.', { errors }));
    });
  });
}
