import type { z } from 'zod';
import type { AppError } from './errors.ts';
import { invalidField } from './parse.ts';

/** An opaque page cursor: base64url of JSON. It says where to go on, never what one may see. */
export function encodeCursor(position: unknown): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** Reads a cursor made by `encodeCursor`. Throws AppError `invalid` `request.invalid` naming `/cursor`. */
export function decodeCursor<S extends z.ZodType>(schema: S, cursor: string): z.output<S> {
  let position: unknown;
  try {
    position = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    throw badCursor();
  }
  const parsed = schema.safeParse(position);
  if (!parsed.success) throw badCursor();
  return parsed.data;
}

const badCursor = (): AppError => invalidField('/cursor', 'Not a cursor of this list');
