import { AppError } from '../platform/errors.ts';
import { SealError, type Sealer } from '../platform/seal.ts';

const PURPOSE = 'rsvp';
const DAY_MS = 86_400_000;
/** Days after the last occurrence until which it can be answered. */
const DAYS_AFTER = 30;
/** Of a series that goes on, from when the mail was made. */
const MAX_DAYS = 730;

const TOKEN = /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}):(\d{1,15})$/;

/** Epoch milliseconds at which a link that is made now ends. `last_at`: the end of the last occurrence, null: there is none. */
export function endOfRsvp(last_at: string | null, now: number): number {
  const latest = now + MAX_DAYS * DAY_MS;
  return last_at === null ? latest : Math.min(latest, Math.max(Date.parse(last_at), now) + DAYS_AFTER * DAY_MS);
}

/** What stands in the link of an invitation: which guest, and until when (epoch ms). Nobody else can make one, or read it. */
export const sealRsvp = (sealer: Sealer, guest_id: string, expires: number): string =>
  sealer.seal(`${guest_id}:${expires}`, PURPOSE);

/** The id of the guest. Throws `rsvp.not_found` for what is no such token, `rsvp.expired`. */
export function openRsvp(sealer: Sealer, token: string, now: number): string {
  const [, guest_id, expires] = TOKEN.exec(open(sealer, token)) ?? [];
  if (guest_id === undefined) throw notFound();
  if (Number(expires) <= now) {
    throw new AppError('conflict', 'rsvp.expired', 'This invitation can no longer be answered');
  }
  return guest_id;
}

function open(sealer: Sealer, token: string): string {
  try {
    return sealer.open(token, PURPOSE);
  } catch (error) {
    if (error instanceof SealError) throw notFound();
    throw error;
  }
}

const notFound = () => new AppError('not_found', 'rsvp.not_found', 'There is no such invitation');
