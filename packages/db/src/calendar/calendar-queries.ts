import { currentTraceparent } from '@potentia/config/telemetry';
import { callOne, type Queryable } from '../client.ts';

export type CalendarRoleRow = 'owner' | 'editor' | 'viewer' | 'freebusy';

/** A calendar as one of its subscribers has it. */
export interface CalendarRow {
  id: string;
  workspace_id: string;
  owner_user_id: string;
  name: string;
  description: string | null;
  color: string | null;
  time_zone: string;
  is_exclusive: boolean;
  role: CalendarRoleRow;
  /** Null: the calendar's own. */
  my_color: string | null;
  is_hidden: boolean;
  affects_busy: boolean;
  version: number;
  created_at: string;
  updated_at: string;
}

/** Color, is_hidden and affects_busy are null of everybody but who asks. */
export interface SubscriptionRow {
  calendar_id: string;
  user_id: string;
  name: string;
  email: string | null;
  role: CalendarRoleRow;
  color: string | null;
  is_hidden: boolean | null;
  affects_busy: boolean | null;
  version: number;
  created_by: string;
  created_at: string;
  updated_at: string;
}

/** Who asks about which calendar. Who has no subscription gets `calendar.not_found` from every query, a role too low `calendar.forbidden`. */
export interface CalendarScope {
  user_id: string;
  calendar_id: string;
}

export interface CalendarWrite extends CalendarScope {
  request_id: string;
}

/** About one subscriber. */
export interface SubscriberWrite extends CalendarWrite {
  target_user_id: string;
}

export interface CalendarFields {
  name: string;
  description: string | null;
  color: string | null;
  /** Null: the caller's own. */
  time_zone: string | null;
  is_exclusive: boolean;
}

const traceparent = (): string | null => currentTraceparent() ?? null;

const callCalendar = async (db: Queryable, text: string, params: unknown[]): Promise<CalendarRow> =>
  (await callOne<{ calendar: CalendarRow }>(db, `select ${text} as calendar`, params)).calendar;

const callSubscription = async (db: Queryable, text: string, params: unknown[]): Promise<SubscriptionRow> =>
  (await callOne<{ subscription: SubscriptionRow }>(db, `select ${text} as subscription`, params)).subscription;

/**
 * The caller owns it. `workspace_id` null: in the personal space. Throws `workspace.not_found`, `workspace.forbidden` (guests),
 * `calendar.too_many`, `subscription.too_many`.
 */
export function createCalendar(
  db: Queryable,
  input: CalendarWrite & { workspace_id: string | null; fields: CalendarFields },
): Promise<CalendarRow> {
  const params = [input.user_id, input.calendar_id, input.workspace_id, input.fields, input.request_id, traceparent()];
  return callCalendar(db, 'app.create_calendar($1, $2, $3, $4, $5, $6)', params);
}

export interface CalendarPosition {
  created_at: string;
  id: string;
}

/** Everything that a person subscribes to, the oldest first; in all workspaces without a `workspace_id`. */
export function listCalendars(
  db: Queryable,
  input: { user_id: string; workspace_id: string | null; after: CalendarPosition | null; limit: number },
): Promise<({ calendar: CalendarRow } & CalendarPosition)[]> {
  return db.call('select calendar, created_at, id from app.list_calendars($1, $2, $3, $4, $5)', [
    input.user_id,
    input.workspace_id,
    input.after?.created_at ?? null,
    input.after?.id ?? null,
    input.limit,
  ]);
}

export function getCalendar(db: Queryable, { user_id, calendar_id }: CalendarScope): Promise<CalendarRow> {
  return callCalendar(db, 'app.get_calendar($1, $2)', [user_id, calendar_id]);
}

/** Throws `calendar.version_conflict` (precondition, with `current`), `calendar.not_empty`. */
export function updateCalendar(
  db: Queryable,
  input: CalendarWrite & { expected_version: number | null; patch: Partial<CalendarFields> },
): Promise<CalendarRow> {
  const params = [input.user_id, input.calendar_id, input.expected_version, input.patch, input.request_id];
  return callCalendar(db, 'app.update_calendar($1, $2, $3, $4, $5)', params);
}

/** Deleting one with all that stands in it is no small statement; below what Postgres allows the roles of services. */
const DELETE_TIMEOUT_MS = 4_500;

export async function deleteCalendar(db: Queryable, input: CalendarWrite): Promise<void> {
  const params = [input.user_id, input.calendar_id, input.request_id, traceparent()];
  await db.call('select app.delete_calendar($1, $2, $3, $4)', params, { timeout_ms: DELETE_TIMEOUT_MS });
}

/** `changed` is false when it was so already. Throws `subscription.not_found`. */
export function transferCalendar(
  db: Queryable,
  input: SubscriberWrite,
): Promise<{ calendar: CalendarRow; changed: boolean }> {
  return callOne(db, 'select * from app.transfer_calendar($1, $2, $3, $4, $5)', [
    input.user_id,
    input.calendar_id,
    input.target_user_id,
    input.request_id,
    traceparent(),
  ]);
}

/** The workspace of a calendar that the person may see. */
export async function getCalendarTenant(
  db: Queryable,
  { user_id, calendar_id }: CalendarScope,
): Promise<string | null> {
  const params = [user_id, calendar_id];
  return (await callOne<{ id: string | null }>(db, 'select app.get_calendar_tenant($1, $2) as id', params)).id;
}

/** The workspace of a schedule that the person may see. */
export async function getScheduleTenant(
  db: Queryable,
  { user_id, schedule_id }: { user_id: string; schedule_id: string },
): Promise<string | null> {
  const params = [user_id, schedule_id];
  return (await callOne<{ id: string | null }>(db, 'select app.get_schedule_tenant($1, $2) as id', params)).id;
}

/**
 * Throws `subscription.user_not_found` (nobody in the workspace), `subscription.exists` (with `current`), `subscription.too_many`,
 * `calendar.too_many_subscriptions`.
 */
export function createSubscription(db: Queryable, input: SubscriberWrite & { role: string }): Promise<SubscriptionRow> {
  const params = [input.user_id, input.calendar_id, input.target_user_id, input.role, input.request_id, traceparent()];
  return callSubscription(db, 'app.create_subscription($1, $2, $3, $4, $5, $6)', params);
}

/** In the order of the subscribers' ids; who sees only free/busy sees their own. */
export async function listSubscriptions(
  db: Queryable,
  input: CalendarScope & { cursor_user_id: string | null; limit: number },
): Promise<SubscriptionRow[]> {
  const rows = await db.call<{ subscription: SubscriptionRow }>(
    'select subscription from app.list_subscriptions($1, $2, null, $3, $4)',
    [input.user_id, input.calendar_id, input.cursor_user_id, input.limit],
  );
  return rows.map(({ subscription }) => subscription);
}

/** Throws `subscription.not_found`. */
export function getSubscription(
  db: Queryable,
  { user_id, calendar_id, target_user_id }: CalendarScope & { target_user_id: string },
): Promise<SubscriptionRow> {
  return callSubscription(db, 'app.get_subscription($1, $2, $3)', [user_id, calendar_id, target_user_id]);
}

export interface SubscriptionPatch {
  role?: string;
  color?: string | null;
  is_hidden?: boolean;
  affects_busy?: boolean;
}

/**
 * `changed_role`: there is an outbox row for the subscriber. Throws `subscription.not_found`, `subscription.not_yours`,
 * `subscription.owner_fixed`, `subscription.version_conflict` (precondition, with `current`).
 */
export function updateSubscription(
  db: Queryable,
  input: SubscriberWrite & { expected_version: number | null; patch: SubscriptionPatch },
): Promise<{ subscription: SubscriptionRow; changed_role: boolean }> {
  return callOne(db, 'select * from app.update_subscription($1, $2, $3, $4, $5, $6, $7)', [
    input.user_id,
    input.calendar_id,
    input.target_user_id,
    input.expected_version,
    input.patch,
    input.request_id,
    traceparent(),
  ]);
}

/** Throws `subscription.not_found`, `subscription.owner_fixed`. */
export async function deleteSubscription(db: Queryable, input: SubscriberWrite): Promise<void> {
  const params = [input.user_id, input.calendar_id, input.target_user_id, input.request_id, traceparent()];
  await db.call('select app.delete_subscription($1, $2, $3, $4, $5)', params);
}
