import { randomUUIDv7 } from 'node:crypto';
import type { Db, Queryable } from '../client.ts';
import { withContext } from '../context.ts';
import { addMember, seedUser, type SeededWorkspace } from './seed.ts';

/* What stands in a calendar, past the verbs: no outbox row, no audit, no instances. `db` is app_user's. */

export interface SeededCalendar {
  calendar_id: string;
  workspace_id: string;
  /** The calendar's owner, who subscribes to it as such. */
  user_id: string;
}

export interface SeededSchedule extends SeededCalendar {
  schedule_id: string;
  uid: string;
}

export interface SeededScheduleFields {
  title: string;
  starts_local: string;
  time_zone: string | null;
  is_all_day: boolean;
  duration_seconds: number;
  rrule: string | null;
  rdates: string[];
  exdates: string[];
  visibility: 'default' | 'private';
  status: 'confirmed' | 'tentative' | 'cancelled';
  transparency: 'opaque' | 'transparent';
  first_at: string;
  last_at: string | null;
  organiser_user_id: string;
  uid: string;
}

/** A calendar in a workspace, else in a new user's personal one. Its owner is the workspace's, unless said otherwise. */
export async function seedCalendar(
  db: Db,
  workspace?: SeededWorkspace,
  overrides: {
    owner?: { user_id: string };
    name?: string;
    time_zone?: string;
    is_exclusive?: boolean;
    fan_out?: string;
  } = {},
): Promise<SeededCalendar> {
  const home = workspace ?? (await personalSpace(db));
  const calendar = {
    calendar_id: randomUUIDv7(),
    workspace_id: home.workspace_id,
    user_id: overrides.owner?.user_id ?? home.owner_user_id,
  };
  const { name = 'Seeded calendar', time_zone = 'UTC', is_exclusive = false, fan_out = 'each' } = overrides;
  await write(
    db,
    calendar,
    `insert into app.calendars (id, workspace_id, owner_user_id, name, time_zone, is_exclusive, fan_out)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [calendar.calendar_id, calendar.workspace_id, calendar.user_id, name, time_zone, is_exclusive, fan_out],
  );
  await subscribe(db, calendar, calendar.user_id, 'owner', true, calendar.user_id);
  return calendar;
}

/** A subscriber, by default a new member of the workspace, who reads the owner's instances as a new subscriber does. */
export async function seedSubscription(
  db: Db,
  calendar: SeededCalendar,
  role: 'editor' | 'viewer' | 'freebusy' = 'viewer',
  user?: { user_id: string },
  overrides: { affects_busy?: boolean; instances_of?: string | null } = {},
): Promise<{ user_id: string }> {
  const user_id = user?.user_id ?? (await addMember(db, homeOf(calendar))).user_id;
  const { affects_busy = role === 'editor', instances_of = calendar.user_id } = overrides;
  await subscribe(db, calendar, user_id, role, affects_busy, instances_of);
  return { user_id };
}

/**
 * A schedule: by default one hour on 2 March 2026, 09:00 UTC. `first_at` and `last_at` follow from the rest as if the zone
 * were UTC (a day wider for any other, endless for a recurring one), unless they are given.
 */
export async function seedSchedule(
  db: Db,
  calendar: SeededCalendar,
  overrides: Partial<SeededScheduleFields> = {},
): Promise<SeededSchedule> {
  const schedule_id = randomUUIDv7();
  const fields = withDefaults(calendar, schedule_id, overrides);
  const names = Object.keys(fields);
  await write(
    db,
    calendar,
    `insert into app.schedules (id, workspace_id, calendar_id, created_by, seq, ${names.join(', ')})
     values ($1, $2, $3, $4, (select seq from app.calendars where id = $3), ${names.map((_, n) => `$${n + 5}`).join(', ')})`,
    [schedule_id, calendar.workspace_id, calendar.calendar_id, calendar.user_id, ...Object.values(fields)],
  );
  return { ...calendar, schedule_id, uid: fields.uid };
}

/** One occurrence that differs. */
export async function seedOverride(
  db: Db,
  schedule: SeededSchedule,
  override: {
    recurrence_id: string;
    is_cancelled?: boolean;
    starts_local?: string;
    duration_seconds?: number;
    title?: string;
  },
): Promise<void> {
  await write(
    db,
    schedule,
    `insert into app.schedule_overrides
       (workspace_id, calendar_id, schedule_id, recurrence_id, is_cancelled, starts_local, duration_seconds, title)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      ...placeOf(schedule),
      override.recurrence_id,
      override.is_cancelled ?? false,
      override.starts_local ?? null,
      override.duration_seconds ?? null,
      override.title ?? null,
    ],
  );
}

/** A guest by user, else by address; without either a new member of the workspace who does not subscribe to the calendar. */
export async function seedGuest(
  db: Db,
  schedule: SeededSchedule,
  overrides: { user_id?: string; email?: string; response?: string; is_optional?: boolean } = {},
): Promise<{ guest_id: string; user_id: string | null; email: string | null }> {
  const guest_id = randomUUIDv7();
  const email = overrides.email ?? null;
  const user_id =
    email === null
      ? (overrides.user_id ?? (await addMember(db, homeOf(schedule))).user_id)
      : (overrides.user_id ?? null);
  await write(
    db,
    schedule,
    `insert into app.schedule_guests (workspace_id, calendar_id, schedule_id, id, user_id, email, is_optional, response, created_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      ...placeOf(schedule),
      guest_id,
      user_id,
      email,
      overrides.is_optional ?? false,
      overrides.response ?? 'needs_action',
      schedule.user_id,
    ],
  );
  return { guest_id, user_id, email };
}

/** A reminder of one person's, ten minutes before unless said otherwise. */
export async function seedReminder(
  db: Db,
  schedule: SeededSchedule,
  overrides: { user_id?: string; minutes_before?: number; next_at?: string | null } = {},
): Promise<{ reminder_id: string }> {
  const reminder_id = randomUUIDv7();
  const { user_id = schedule.user_id, minutes_before = 10, next_at = '-infinity' } = overrides;
  await write(
    db,
    schedule,
    `insert into app.schedule_reminders (workspace_id, calendar_id, schedule_id, id, user_id, minutes_before, next_at)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [...placeOf(schedule), reminder_id, user_id, minutes_before, next_at],
  );
  return { reminder_id };
}

/** One row in each of the remaining tables of a calendar: what jobs and other verbs leave there. */
export async function seedRemains(db: Db, schedule: SeededSchedule): Promise<void> {
  const place = placeOf(schedule);
  const { guest_id } = await seedGuest(db, schedule);
  await write(
    db,
    schedule,
    `insert into app.schedule_responses (workspace_id, calendar_id, schedule_id, guest_id, recurrence_id, applies_to, response)
     values ($1, $2, $3, $4, '2026-03-02T09:00:00', 'this', 'accepted')`,
    [...place, guest_id],
  );
  await write(
    db,
    schedule,
    `insert into app.schedule_bookings (workspace_id, calendar_id, schedule_id, recurrence_id, during)
     values ($1, $2, $3, '2026-03-02T09:00:00', '[2026-03-02T09:00:00Z, 2026-03-02T10:00:00Z)')`,
    place,
  );
  await write(
    db,
    schedule,
    'insert into app.schedule_tombstones (workspace_id, calendar_id, schedule_id, seq) values ($1, $2, $3, 1)',
    [...place.slice(0, 2), randomUUIDv7()],
  );
  await write(
    db,
    schedule,
    `insert into app.calendar_feeds (workspace_id, calendar_id, user_id, token_hash)
     values ($1, $2, $3, encode(sha256($4::uuid::text::bytea), 'hex'))`,
    [...place.slice(0, 2), schedule.user_id, randomUUIDv7()],
  );
}

function withDefaults(
  calendar: SeededCalendar,
  schedule_id: string,
  overrides: Partial<SeededScheduleFields>,
): SeededScheduleFields {
  const is_all_day = overrides.is_all_day ?? false;
  const starts_local = overrides.starts_local ?? (is_all_day ? '2026-03-02' : '2026-03-02T09:00:00');
  const time_zone = overrides.time_zone ?? (is_all_day || overrides.time_zone === null ? null : 'UTC');
  const duration_seconds = overrides.duration_seconds ?? (is_all_day ? 86_400 : 3_600);
  const rrule = overrides.rrule ?? null;
  const starts_ms = Date.parse(is_all_day ? `${starts_local}T00:00:00Z` : `${starts_local}Z`);
  const margin_ms = time_zone === 'UTC' ? 0 : 86_400_000;
  const is_recurring = rrule !== null || (overrides.rdates ?? []).length > 0;
  return {
    title: 'Seeded schedule',
    rdates: [],
    exdates: [],
    visibility: 'default',
    status: 'confirmed',
    transparency: 'opaque',
    first_at: new Date(starts_ms - margin_ms).toISOString(),
    last_at: is_recurring ? null : new Date(starts_ms + duration_seconds * 1000 + margin_ms).toISOString(),
    organiser_user_id: calendar.user_id,
    uid: `${schedule_id}@example.test`,
    ...overrides,
    is_all_day,
    starts_local,
    time_zone,
    duration_seconds,
    rrule,
  };
}

const placeOf = ({ workspace_id, calendar_id, schedule_id }: SeededSchedule): string[] => [
  workspace_id,
  calendar_id,
  schedule_id,
];

const homeOf = ({ workspace_id, user_id }: SeededCalendar): SeededWorkspace => ({
  workspace_id,
  owner_user_id: user_id,
});

async function personalSpace(db: Db): Promise<SeededWorkspace> {
  const user = await seedUser(db);
  return { workspace_id: user.personal_workspace_id, owner_user_id: user.user_id };
}

const subscribe = (
  db: Db,
  calendar: SeededCalendar,
  user_id: string,
  role: string,
  affects_busy: boolean,
  instances_of: string | null,
): Promise<void> =>
  write(
    db,
    calendar,
    `insert into app.calendar_subscriptions (workspace_id, calendar_id, user_id, role, affects_busy, instances_of, created_by)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [calendar.workspace_id, calendar.calendar_id, user_id, role, affects_busy, instances_of, calendar.user_id],
  );

/** Past the verbs, and into calendars that do not exist yet: the context is set without asking. */
async function write(db: Db, calendar: SeededCalendar, text: string, params: unknown[]): Promise<void> {
  await withContext(db, { user_id: calendar.user_id }, async (tx: Queryable) => {
    await tx.call(`select set_config('app.workspace_id', $1, true), set_config('app.calendar_id', $2, true)`, [
      calendar.workspace_id,
      calendar.calendar_id,
    ]);
    await tx.call(text, params);
  });
}
