import { updateMe as setMe } from '@potentia/db/auth/queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { type Me, updateMeBody } from './me-schemas.ts';

/** Changes the caller's name, language or time zone. Throws `user.not_found` (an API key is nobody). */
export function updateMe(ctx: UserCtx, input: z.input<typeof updateMeBody>): Promise<Me> {
  const patch = parseInput(updateMeBody, input);
  return fromDb(() => setMe(ctx.db, { user_id: ctx.actor.user_id, patch, request_id: ctx.request_id }));
}
