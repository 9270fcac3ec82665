import { currentTraceparent } from '@potentia/config/telemetry';
import { callOne, type Queryable } from '../client.ts';
import type { GuestResponse, OverrideRow, ScheduleRow, SeriesRow } from './rows.ts';
import type { ScheduleScope } from './schedule-queries.ts';

/** `2026-03-01T09:00:00`, of an all-day schedule `2026-03-01`. */
type LocalTime = string;
type Scope = 'this' | 'following' | 'all';

const traceparent = (): string | null => currentTraceparent() ?? null;

/** An answer that differs from that to the series. */
export interface ResponseRow {
  recurrence_id: LocalTime;
  applies_to: 'this' | 'following';
  response: GuestResponse;
}

/** What `app.guest_json` makes. */
export interface GuestRow {
  id: string;
  schedule_id: string;
  /** Null: known by the address alone. */
  user_id: string | null;
  email: string | null;
  name: string | null;
  is_optional: boolean;
  /** To the series. */
  response: GuestResponse;
  comment: string | null;
  responded_at: string | null;
  responses: ResponseRow[];
  created_by: string;
  created_at: string;
  updated_at: string;
}

export interface GuestList extends ScheduleScope {
  /** The last one read. */
  cursor_id: string | null;
  limit: number;
}

/** In the order of their making. Throws `schedule.not_found`. */
export async function listGuests(db: Queryable, input: GuestList): Promise<GuestRow[]> {
  const rows = await db.call<{ guest: GuestRow }>('select guest from app.list_schedule_guests($1, $2, null, $3, $4)', [
    input.user_id,
    input.schedule_id,
    input.cursor_id,
    input.limit,
  ]);
  return rows.map(({ guest }) => guest);
}

/** Null: there is no such guest. Throws `schedule.not_found`. */
export async function getGuest(db: Queryable, input: ScheduleScope & { guest_id: string }): Promise<GuestRow | null> {
  const { user_id, schedule_id, guest_id } = input;
  const [row] = await db.call<{ guest: GuestRow }>(
    'select guest from app.list_schedule_guests($1, $2, array[$3]::uuid[], null, 1)',
    [user_id, schedule_id, guest_id],
  );
  return row?.guest ?? null;
}

/** By `user_id` or by `email`. */
export interface NewGuest {
  id: string;
  user_id: string | null;
  email: string | null;
  name: string | null;
  is_optional: boolean;
}

export interface GuestsWrite extends ScheduleScope {
  guests: NewGuest[];
  /** Where they stand in the body; null: its fields are those of one guest. */
  pointer: string | null;
  request_id: string;
}

/** `mailed`: how many addresses will be written to. Throws `guest.user_not_found`, `guest.exists`, `schedule.guests_full`. */
export function createGuests(db: Queryable, input: GuestsWrite): Promise<{ guests: GuestRow[]; mailed: number }> {
  const { user_id, schedule_id, guests, pointer, request_id } = input;
  const params = [user_id, schedule_id, guests, pointer, request_id, traceparent()];
  return callOne(db, 'select guests, mailed from app.create_guests($1, $2, $3, $4, $5, $6)', params);
}

export interface GuestRef extends ScheduleScope {
  guest_id: string;
  request_id: string;
}

/** Throws `guest.not_found`, `guest.has_account` for the name of a person. */
export async function updateGuest(
  db: Queryable,
  { user_id, schedule_id, guest_id, patch, request_id }: GuestRef & { patch: object },
): Promise<GuestRow> {
  const params = [user_id, schedule_id, guest_id, patch, request_id];
  return (await callOne<{ guest: GuestRow }>(db, 'select app.update_guest($1, $2, $3, $4, $5) as guest', params)).guest;
}

/** Throws `guest.not_found`. */
export async function removeGuest(db: Queryable, input: GuestRef): Promise<void> {
  const params = [input.user_id, input.schedule_id, input.guest_id, input.request_id, traceparent()];
  await db.call('select app.remove_guest($1, $2, $3, $4, $5)', params);
}

/**
 * What one's own answer is checked against. `locks`: no edit of the schedule comes between this and the end of the transaction.
 * Throws `schedule.forbidden` for who is no guest.
 */
export const loadAnswer = (
  db: Queryable,
  { user_id, schedule_id, locks }: ScheduleScope & { locks: boolean },
): Promise<{ series: SeriesRow; guest: GuestRow }> =>
  callOne(db, 'select series, guest from app.load_answer($1, $2, $3)', [user_id, schedule_id, locks]);

export interface Answer extends ScheduleScope {
  scope: Scope;
  /** Of one of its occurrences; null with `all`. */
  recurrence_id: LocalTime | null;
  response: GuestResponse;
  /** Null: as it is; empty: none. */
  comment: string | null;
  request_id: string;
}

/** Returns the guest as they now are. Throws `schedule.forbidden` for who is no guest, `guest.responses_full`. */
export async function respondToSchedule(db: Queryable, input: Answer): Promise<GuestRow> {
  const { user_id, schedule_id, scope, recurrence_id, response, comment, request_id } = input;
  const params = [user_id, schedule_id, scope, recurrence_id, response, comment, request_id, traceparent()];
  const text = 'select app.respond_to_schedule($1, $2, $3, $4, $5, $6, $7, $8) as guest';
  return (await callOne<{ guest: GuestRow }>(db, text, params)).guest;
}

/** What whoever has the link of a mail is shown. */
export interface RsvpRow {
  title: string;
  organiser_name: string;
  is_cancelled: boolean;
  is_all_day: boolean;
  starts_local: LocalTime;
  time_zone: string | null;
  duration_seconds: number;
  rrule: string | null;
  response: GuestResponse;
}

/** Throws `rsvp.not_found`. */
export async function previewRsvp(db: Queryable, guest_id: string): Promise<RsvpRow> {
  return (await callOne<{ rsvp: RsvpRow }>(db, 'select app.preview_rsvp($1) as rsvp', [guest_id])).rsvp;
}

export interface RsvpAnswer {
  guest_id: string;
  response: GuestResponse;
  comment: string | null;
  request_id: string;
}

/** Throws `rsvp.not_found`, `rsvp.cancelled`. */
export async function answerRsvp(db: Queryable, input: RsvpAnswer): Promise<RsvpRow> {
  const params = [input.guest_id, input.response, input.comment, input.request_id, traceparent()];
  return (await callOne<{ rsvp: RsvpRow }>(db, 'select app.answer_rsvp($1, $2, $3, $4, $5) as rsvp', params)).rsvp;
}

interface MailPerson {
  name: string;
  email: string | null;
}

/** A guest as the ICS of their own invitation has them. */
export interface MailedGuest extends Pick<GuestRow, 'name' | 'is_optional' | 'response' | 'responses'> {
  email: string;
}

export interface GuestMailFacts {
  to: string;
  locale: string;
  /** A mail of this invitation may have reached them before. */
  was_told: boolean;
  organiser: MailPerson;
  schedule: ScheduleRow & {
    overrides: (OverrideRow & { ics_properties: null })[];
    guests: MailedGuest[];
    reminders: never[];
    ics_properties: null;
  };
}

/** Null: there is nothing to say any more. Of job_user. */
export async function getGuestMail(
  db: Queryable,
  { outbox_id, guest_id }: { outbox_id: string; guest_id: string },
): Promise<GuestMailFacts | null> {
  const params = [outbox_id, guest_id];
  return (await callOne<{ facts: GuestMailFacts | null }>(db, 'select app.get_guest_mail($1, $2) as facts', params))
    .facts;
}

export interface CancellationRef {
  outbox_id: string;
  workspace_id: string;
  guest_id: string;
  /** ISO 8601. */
  guest_since: string;
  schedule_id: string;
  email: string;
  organiser_user_id: string;
}

/** Null: it is not to be sent; the address is a guest again, or was never told. Of job_user. */
export async function getCancellationMail(
  db: Queryable,
  input: CancellationRef,
): Promise<{ locale: string; organiser: MailPerson | null } | null> {
  const { outbox_id, workspace_id, guest_id, guest_since, schedule_id, email, organiser_user_id } = input;
  const row = await callOne<{ facts: { locale: string; organiser: MailPerson | null } | null }>(
    db,
    'select app.get_cancellation_mail($1, $2, $3, $4, $5, $6, $7) as facts',
    [outbox_id, workspace_id, guest_id, guest_since, schedule_id, email, organiser_user_id],
  );
  return row.facts;
}
