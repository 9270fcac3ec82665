import { createGuests } from '@potentia/db/calendar/guest-queries';
import { withContext } from '@potentia/db/context';
import type { z } from 'zod';
import { fromDb } from '../platform/db-errors.ts';
import { once, type Once } from '../platform/idempotency.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { countGuestMails, type GuestCtx, toNewGuests } from './guest-ctx.ts';
import { addGuestsInput, type GuestList } from './guest-schemas.ts';

/**
 * Adds one guest or several to a schedule, all or none. Who is in the workspace sees it from now on and is told on `/ws/me`; who is
 * known by an address is written to. Exactly once per `Idempotency-Key`. Throws `schedule.not_found`, `schedule.forbidden` (its editors
 * may), `guest.user_not_found`, `guest.exists`, `schedule.guests_full`, `guest.too_many_mails`.
 */
export async function addGuests(ctx: GuestCtx, input: z.input<typeof addGuestsInput>): Promise<Once<GuestList>> {
  const parsed = parseInput(addGuestsInput, input);
  const { schedule_id } = parsed;
  const { user_id } = ctx.actor;
  const guests = toNewGuests(parsed.guests ?? [parsed]);
  const written = await fromDb(() =>
    withContext(ctx.db, { user_id }, (tx) =>
      once<GuestList>(ctx, tx, 'guest.create', input, async () => {
        const pointer = parsed.guests ? '/guests' : null;
        const added = await createGuests(tx, { user_id, schedule_id, guests, pointer, request_id: ctx.request_id });
        await countGuestMails(
          ctx,
          added.guests.flatMap(({ email }) => email ?? []),
        );
        return { items: added.guests };
      }),
    ),
  );
  publishOutboxHint(ctx);
  return written;
}
