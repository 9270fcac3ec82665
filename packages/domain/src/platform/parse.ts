import { type z } from 'zod';
import { AppError, type FieldError } from './errors.ts';

/**
 * Checks `input` against `schema` and returns the parsed value. Throws AppError `invalid` `request.invalid` with one
 * RFC 6901 pointer per fault; an unknown field is named by its own pointer.
 */
export function parseInput<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw invalidInput(toFieldErrors(parsed.error));
}

/** AppError `invalid` `request.invalid`; its message tells the first of the faults. */
export const invalidInput = (errors: FieldError[]): AppError =>
  new AppError('invalid', 'request.invalid', describeFaults(errors), { errors });

/** The same for one field. */
export const invalidField = (pointer: string, message: string): AppError => invalidInput([{ pointer, message }]);

/** The first of the faults in words. */
export const describeFaults = ([first]: FieldError[]): string =>
  first ? `${first.pointer || '/'}: ${first.message}` : 'Not valid';

const MAX_ERRORS = 50;

/** Zod's issues as field errors, at most 50: a hostile body must not buy a bigger answer. */
export function toFieldErrors(error: z.ZodError): FieldError[] {
  return error.issues.flatMap(expandIssue).slice(0, MAX_ERRORS);
}

function expandIssue(issue: z.core.$ZodIssue): FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ pointer: toPointer([...issue.path, key]), message: 'Unknown field' }));
  }
  return [{ pointer: toPointer(issue.path), message: issue.message }];
}

/** An RFC 6901 JSON pointer of a path. */
export function toPointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
