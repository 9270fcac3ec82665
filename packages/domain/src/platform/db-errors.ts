import { DbError, DbUnavailableError } from '@potentia/db/errors';
import { AppError } from './errors.ts';

/** Milliseconds after which a call that found Postgres away is worth repeating. */
const RETRY_AFTER_MS = 1_000;

/** Runs `work` and turns what Postgres refuses, or its absence, into an AppError. */
export async function fromDb<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw mapDbError(error);
  }
}

/** The AppError of a database error; anything else comes back as it is. */
export function mapDbError(error: unknown): unknown {
  if (error instanceof DbUnavailableError) {
    return new AppError(
      'unavailable',
      'platform.database_unavailable',
      'The database does not answer',
      {
        retry_after_ms: RETRY_AFTER_MS,
      },
      { cause: error },
    );
  }
  if (error instanceof DbError) {
    const { pointer, ...meta } = error.meta;
    const errors = typeof pointer === 'string' ? { errors: [{ pointer, message: error.message }] } : {};
    return new AppError(error.kind, error.code, error.message, { ...meta, ...errors }, { cause: error });
  }
  return error;
}
