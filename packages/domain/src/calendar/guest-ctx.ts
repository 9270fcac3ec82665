import { createHash } from 'node:crypto';
import type { NewGuest } from '@potentia/db/calendar/guest-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { AppError } from '../platform/errors.ts';
import type { Limit, Limiter } from '../platform/limiter.ts';
import { newId } from '../platform/uuid.ts';
import type { newGuests } from './guest-schemas.ts';

/** What adding guests needs of the world. */
export type GuestCtx = UserCtx & { limiter: Limiter };

const HOUR_MS = 3_600_000;
/** Invitations by mail that a person sends and an address gets. */
const LIMITS = {
  organiser: { limit: 500, window_ms: HOUR_MS },
  address: { limit: 20, window_ms: 24 * HOUR_MS },
} satisfies Record<string, Limit>;

/** Guests as they are written, with ids of their own in the order in which they were given, which is that of lists. */
export function toNewGuests(guests: z.output<typeof newGuests>): NewGuest[] {
  const ids = guests.map(() => newId()).sort();
  return guests.map(({ user_id = null, email = null, name, is_optional }, at) => ({
    id: ids[at] ?? newId(),
    user_id,
    email,
    name,
    is_optional,
  }));
}

/**
 * Counts the mails that are about to go out to those addresses. Called last in its transaction, so that a refusal takes everything
 * back. No key holds an address. Throws `guest.too_many_mails` (limit).
 */
export async function countGuestMails({ limiter, actor }: GuestCtx, emails: readonly string[]): Promise<void> {
  if (emails.length === 0) return;
  const mine = await limiter.take(`guests:organiser:${actor.user_id}`, LIMITS.organiser, emails.length);
  refuse(mine, 'You have invited many people by mail; wait a while before the next', 'organiser');
  for (const email of emails) {
    // A tag behind a plus leads to the same mailbox with most providers, and there are as many as one likes.
    const key = createHash('sha256').update(email.replace(/\+.*@/, '@')).digest('base64url');
    const theirs = await limiter.take(`guests:address:${key}`, LIMITS.address);
    refuse(theirs, 'Many invitations were sent to one of these addresses; wait a while before the next', 'address');
  }
}

function refuse(
  { allowed, retry_after_ms }: { allowed: boolean; retry_after_ms: number },
  message: string,
  limit: string,
) {
  if (!allowed) throw new AppError('limit', 'guest.too_many_mails', message, { retry_after_ms, limit });
}
