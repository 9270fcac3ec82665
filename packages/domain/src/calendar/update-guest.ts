import { updateGuest as changeGuest } from '@potentia/db/calendar/guest-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { updateGuestInput, type Guest } from './guest-schemas.ts';

/**
 * Changes whether a guest is optional, or the name of one who goes by an address. Throws `schedule.not_found`, `schedule.forbidden`
 * (its editors may), `guest.not_found`, `guest.has_account`.
 */
export async function updateGuest(ctx: UserCtx, input: z.input<typeof updateGuestInput>): Promise<Guest> {
  const { schedule_id, guest_id, ...patch } = parseInput(updateGuestInput, input);
  const { request_id } = ctx;
  return fromDb(() => changeGuest(ctx.db, { user_id: ctx.actor.user_id, schedule_id, guest_id, patch, request_id }));
}
