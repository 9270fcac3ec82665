import { isUtf8 } from 'node:buffer';
import { AppError } from '@potentia/domain/platform/errors';
import { invalidInput, toFieldErrors } from '@potentia/domain/platform/parse';
import type { FastifyInstance, FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';

/** Parses a part of the request by its zod schema. Path, query and body are one input to the verb, and to its pointers. */
export const zodValidator: FastifySchemaCompiler<z.ZodType> =
  ({ schema }) =>
  (data) => {
    const result = schema.safeParse(data);
    return result.success ? { value: result.data } : { error: invalidInput(toFieldErrors(result.error)) };
  };

/** The text of a body. Throws where it is not UTF-8: a character replaced unasked is a loss that nobody notices. */
export function bodyText(body: Buffer): string {
  if (!isUtf8(body)) throw new AppError('invalid', 'http.invalid_body', 'The body is not valid UTF-8.');
  return body.toString();
}

/**
 * JSON bodies. Prototype poisoning is refused, and an empty body is `undefined`: many clients send the content type with
 * an empty POST.
 */
export function acceptJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0) return done(null, undefined);
    void parse(request, bodyText(body), (error, value) => {
      if (!error) return done(null, value);
      const errors = [{ pointer: '', message: 'Not valid JSON' }];
      done(new AppError('invalid', 'http.invalid_json', 'The body is not valid JSON.', { errors }));
    });
  });
}
