import { answerRsvp } from '@potentia/db/calendar/guest-queries';
import type { z } from 'zod';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import type { Sealer } from '../platform/seal.ts';
import { rsvpBody, type Rsvp } from './guest-schemas.ts';
import { openRsvp } from './rsvp-token.ts';

/**
 * The answer of a guest who has no account, to the whole series, by the link in their mail; as often as they like. The organiser is
 * told. Throws `rsvp.not_found` (the guest was removed, too), `rsvp.expired`, `rsvp.cancelled`.
 */
export async function respondByLink(
  ctx: Pick<Ctx, 'db' | 'bus' | 'clock' | 'request_id'> & { sealer: Sealer },
  input: z.input<typeof rsvpBody>,
): Promise<Rsvp> {
  const { token, response, comment = null } = parseInput(rsvpBody, input);
  const guest_id = openRsvp(ctx.sealer, token, ctx.clock().getTime());
  const rsvp = await fromDb(() => answerRsvp(ctx.db, { guest_id, response, comment, request_id: ctx.request_id }));
  publishOutboxHint(ctx);
  return rsvp;
}
