import { previewRsvp as selectRsvp } from '@potentia/db/calendar/guest-queries';
import type { z } from 'zod';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import type { Sealer } from '../platform/seal.ts';
import { previewRsvpBody, type Rsvp } from './guest-schemas.ts';
import { openRsvp } from './rsvp-token.ts';

/**
 * What whoever has the link of an invitation is shown: title, organiser, when, and their answer. Throws `rsvp.not_found` (the
 * guest was removed, too), `rsvp.expired`.
 */
export async function previewRsvp(
  ctx: Pick<Ctx, 'db' | 'clock'> & { sealer: Sealer },
  input: z.input<typeof previewRsvpBody>,
): Promise<Rsvp> {
  const { token } = parseInput(previewRsvpBody, input);
  const guest_id = openRsvp(ctx.sealer, token, ctx.clock().getTime());
  return fromDb(() => selectRsvp(ctx.db, guest_id));
}
