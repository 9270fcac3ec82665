import { getImportStatus } from '@potentia/db/chat/import-queries';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import type { ImportStatus } from './import-schemas.ts';

/** How far the index has come with what the caller said and imported. */
export const readImportStatus = (ctx: UserCtx): Promise<ImportStatus> =>
  fromDb(() => getImportStatus(ctx.db, { user_id: ctx.actor.user_id }));
