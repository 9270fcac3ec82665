import { DbError, DbUnavailableError } from '@potentia/db/errors';
import { AppError } from './errors.ts';

/** What a person may read for a code that SQL raised; SQL itself only names the code. */
const messages: Record<string, string> = {
  'block.already_exists': 'A block with this id exists already',
  'block.content_invalid': 'The content does not fit the type of this block',
  'block.cycle': 'A block cannot be moved below itself',
  'block.gap_moved': 'The place for this block kept changing; try again',
  'block.not_found': 'There is no such block on this canvas',
  'block.parent_not_found': 'The parent is not a block of this canvas',
  'block.too_deep': 'Blocks cannot be nested this deep',
  'block.version_conflict': 'The block has changed since this version',
  'canvas.archived': 'The canvas is archived; restore it to change it',
  'canvas.forbidden': 'Your role on this canvas does not allow this',
  'canvas.mutation_reused': 'This mutation id was used with other operations',
  'canvas.not_empty': 'The canvas still has blocks',
  'canvas.not_found': 'There is no such canvas',
  'canvas.owner_fixed': 'The access of the owner cannot be changed',
  'canvas.version_conflict': 'The canvas has changed since this version',
  'user.not_found': 'There is no such person',
  'workspace.forbidden': 'Your role in this workspace does not allow this',
  'workspace.not_found': 'There is no such workspace',
};

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
    return new AppError(error.kind, error.code, messages[error.code] ?? error.message, error.meta, { cause: error });
  }
  return error;
}
