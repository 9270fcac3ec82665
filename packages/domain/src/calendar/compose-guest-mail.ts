import { type GuestMailFacts, getCancellationMail, getGuestMail } from '@potentia/db/calendar/guest-queries';
import { z } from 'zod';
import { fromDb } from '../platform/db-errors.ts';
import type { Mail } from '../platform/mail.ts';
import { printMail } from '../platform/rules/mail-text.ts';
import type { Sealer } from '../platform/seal.ts';
import type { MailCtx, MailJob } from '../platform/send-mail.ts';
import { type GuestMailKind, guestMailText } from './rules/guest-mail-text.ts';
import { printCancellation, printInvitation } from './rules/itip.ts';
import { endOfRsvp, sealRsvp } from './rsvp-token.ts';

/** The `template` of what `app.mail_guests` writes, and of what `app.mail_cancellations` does. */
export const INVITATION_MAIL = 'schedule_invitation';
export const CANCELLATION_MAIL = 'schedule_cancellation';

const invitation = z.object({ reference: z.uuid(), kind: z.enum(['invited', 'updated']) });

/**
 * The invitation of a guest who is known by their address, or what changed since: the schedule as it stands, for their calendar, and a
 * link to answer it. Null when there is nothing to say any more: the guest or the schedule is gone, or a later mail says it.
 */
export async function composeGuestMail(ctx: MailCtx & { sealer: Sealer }, job: MailJob): Promise<Mail | null> {
  const { reference: guest_id, kind: asked } = invitation.parse(job.payload);
  const facts = await fromDb(() => getGuestMail(ctx.db, { outbox_id: job.outbox_id, guest_id }));
  if (!facts) return null;
  const { schedule, was_told } = facts;
  const is_cancelled = schedule.status === 'cancelled';
  if (is_cancelled && !was_told) return null;
  const kind: GuestMailKind = is_cancelled ? 'cancelled' : was_told ? asked : 'invited';
  const now = Date.now();
  const token = sealRsvp(ctx.sealer, guest_id, endOfRsvp(schedule.last_at, now));
  const organiser = organiserOf(facts.organiser, ctx.app_url);
  return {
    to: facts.to,
    ...printMail(
      guestMailText(
        // In the fragment, which no server and no Referer ever gets.
        {
          ...schedule,
          kind,
          organiser_name: organiser.name,
          url: is_cancelled ? null : `${ctx.app_url}/rsvp#token=${token}`,
        },
        localeOf(facts.locale),
      ),
    ),
    calendar: printInvitation({ ...schedule, organiser }, now),
  };
}

const cancellation = z.object({
  reference: z.uuid(),
  schedule_id: z.uuid(),
  organiser_user_id: z.uuid(),
  to: z.string(),
  name: z.string().nullable(),
  guest_since: z.string(),
  cancelled_at: z.string(),
  uid: z.string(),
  sequence: z.int(),
  title: z.string(),
  is_all_day: z.boolean(),
  starts_local: z.string(),
  time_zone: z.string().nullable(),
  duration_seconds: z.int(),
  rrule: z.string().nullable(),
});

/**
 * The end of an invitation: the guest was removed, or the schedule deleted. Null when the address is a guest again, or no mail of the
 * invitation went out.
 */
export async function composeCancellationMail(ctx: MailCtx, job: MailJob): Promise<Mail | null> {
  const told = cancellation.parse(job.payload);
  const { to, reference: guest_id, guest_since, schedule_id, organiser_user_id } = told;
  const facts = await fromDb(() =>
    getCancellationMail(ctx.db, {
      outbox_id: job.outbox_id,
      workspace_id: job.workspace_id ?? '',
      guest_id,
      guest_since,
      schedule_id,
      email: to,
      organiser_user_id,
    }),
  );
  if (!facts) return null;
  const organiser = organiserOf(facts.organiser, ctx.app_url);
  const text = guestMailText(
    { ...told, kind: 'cancelled', organiser_name: organiser.name, location: null, url: null },
    localeOf(facts.locale),
  );
  const { cancelled_at, name } = told;
  const schedule = {
    ...told,
    ...NOTHING_MORE,
    organiser,
    created_at: cancelled_at,
    updated_at: cancelled_at,
    guests: [{ email: to, name, is_optional: false, response: 'needs_action' as const, responses: [] }],
  };
  return { to, ...printMail(text), calendar: printCancellation(schedule, Date.parse(cancelled_at)) };
}

/** What the ICS of a cancellation does not say. */
const NOTHING_MORE = {
  description: null,
  location: null,
  url: null,
  color: null,
  status: 'cancelled' as const,
  transparency: 'opaque' as const,
  visibility: 'default' as const,
  rdates: [],
  exdates: [],
  overrides: [],
  reminders: [],
  ics_properties: null,
};

const localeOf = (locale: string) => (locale === 'id' ? 'id' : 'en');

/** A message needs an organiser with an address; an account may have none. */
function organiserOf(person: GuestMailFacts['organiser'] | null, app_url: string): { name: string; email: string } {
  const host = URL.canParse(app_url) ? new URL(app_url).hostname : 'localhost';
  return { name: person?.name ?? '', email: person?.email ?? `no-reply@${host}` };
}
