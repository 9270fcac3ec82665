import { getMe as selectMe } from '@potentia/db/auth/queries';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import type { Me } from './me-schemas.ts';

/** Who the caller is, as it stands. Throws `user.not_found` (an API key is nobody). */
export function getMe(ctx: UserCtx): Promise<Me> {
  return fromDb(() => selectMe(ctx.db, { user_id: ctx.actor.user_id }));
}
