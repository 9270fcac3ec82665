import { getGuest as selectGuest } from '@potentia/db/calendar/guest-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { parseInput } from '../platform/parse.ts';
import { type Guest, guestRef } from './guest-schemas.ts';

/** One guest of a schedule, for everybody who reads it. Throws `schedule.not_found`, `guest.not_found`. */
export async function getGuest(ctx: UserCtx, input: z.input<typeof guestRef>): Promise<Guest> {
  const ref = parseInput(guestRef, input);
  const guest = await fromDb(() => selectGuest(ctx.db, { user_id: ctx.actor.user_id, ...ref }));
  if (!guest) throw new AppError('not_found', 'guest.not_found', 'There is no such guest.');
  return guest;
}
