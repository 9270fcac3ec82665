import { createLogger } from '@potentia/config/logger';
import type { Db } from '@potentia/db/client';
import type { TestDatabase } from '@potentia/db/testing/database';
import { addMember, seedWorkspace } from '@potentia/db/testing/seed';
import {
  seedCalendar,
  seedSchedule,
  seedSubscription,
  type SeededCalendar,
  type SeededScheduleFields,
} from '@potentia/db/testing/seed-calendar';
import { expect } from 'vitest';
import { recordBus } from '../../platform/testing/person.ts';
import { newId } from '../../platform/uuid.ts';
import type { InstanceCtx } from '../fill-instances.ts';
import { expandSeries } from '../rules/expand.ts';
import type { Series } from '../rules/series.ts';

/** What the rows of jobs came to. */
export interface Rows {
  written: number;
  deleted: number;
}

/** The context of a job, and what it wrote. `now`: what its clock shows. */
export function jobCtx(db: Db, now: () => Date = () => new Date()): InstanceCtx & { rows: Rows } {
  const rows = { written: 0, deleted: 0 };
  return {
    db,
    bus: recordBus(),
    log: createLogger({ service: 'test', level: 'silent' }),
    actor: { type: 'system', reason: 'job' },
    request_id: newId(),
    clock: now,
    rows,
    instances: {
      observe({ written, deleted }) {
        rows.written += written;
        rows.deleted += deleted;
      },
    },
  };
}

/** A database in whose name `before` is called ahead of every statement, with its text. */
export const watched = (db: Db, before: (text: string) => Promise<void>): Db => ({
  ...db,
  async call(text, params, options) {
    await before(text);
    return db.call(text, params, options);
  },
});

/** A job in whose database `what` happens once, ahead of the first statement whose text holds `where`. */
export function interrupted(database: TestDatabase, where: string, what: () => Promise<unknown>, now: () => Date) {
  let is_done = false;
  const before = async (text: string): Promise<void> => {
    if (is_done || !text.includes(where)) return;
    is_done = true;
    await what();
  };
  return jobCtx(watched(database.job_db, before), now);
}

/** A calendar with some subscribers, who read the owner's instances, and one schedule; nothing is materialised. */
export async function seedReaders(
  database: TestDatabase,
  fields: Partial<SeededScheduleFields> = { rrule: 'FREQ=WEEKLY' },
  subscribers = 2,
) {
  const workspace = await seedWorkspace(database.db);
  const calendar = await seedCalendar(database.db, workspace);
  const people: string[] = [];
  for (let n = 0; n < subscribers; n++) people.push((await seedSubscription(database.db, calendar)).user_id);
  const schedule = await seedSchedule(database.db, calendar, { time_zone: 'America/New_York', ...fields });
  const newcomer = async () => (await addMember(database.db, workspace)).user_id;
  return { calendar, schedule, people, newcomer };
}

/** What the verbs of others do to subscriptions, guests and schedules, with the same locks and outbox rows, as functions of the database. */
export async function installEdits(database: TestDatabase): Promise<void> {
  await database.asOwner(EDITS);
}

const EDITS = `
  create function subscribe(p_calendar_id uuid, p_user_id uuid) returns void language plpgsql as $$
  declare
    c app.calendars;
  begin
    select * into c from app.calendars x where x.id = p_calendar_id for update;
    insert into app.calendar_subscriptions (workspace_id, calendar_id, user_id, role, affects_busy, instances_of, created_by, created_at)
    values (c.workspace_id, c.id, p_user_id, 'viewer', false, app.first_instances_of(c.workspace_id, c.id), p_user_id, clock_timestamp())
    on conflict do nothing;
    insert into app.outbox (id, topic, workspace_id, payload)
    values (app.uuidv7(), 'calendar.fan_out', c.workspace_id, jsonb_build_object('calendar_id', c.id));
  end $$;
  create function unsubscribe(p_calendar_id uuid, p_user_id uuid) returns void language plpgsql as $$
  declare
    c app.calendars;
  begin
    select * into c from app.calendars x where x.id = p_calendar_id for update;
    delete from app.calendar_subscriptions s where s.calendar_id = p_calendar_id and s.user_id = p_user_id and s.role <> 'owner';
    insert into app.outbox (id, topic, workspace_id, payload)
    values (app.uuidv7(), 'calendar.fan_out', c.workspace_id, jsonb_build_object('calendar_id', c.id));
  end $$;
  create function hand_over(p_calendar_id uuid, p_user_id uuid, p_stays boolean) returns void language plpgsql as $$
  declare
    c app.calendars;
  begin
    select * into c from app.calendars x where x.id = p_calendar_id for update;
    if c.owner_user_id <> p_user_id then
      perform app.hand_over_calendar(c, p_user_id, case when p_stays then 'editor' end, p_user_id, null, null);
      perform app.request_fan_out(c.workspace_id, c.id, null, null);
    end if;
  end $$;
  create function hold(p_schedule_id uuid) returns app.schedules language plpgsql as $$
  declare
    s app.schedules;
  begin
    select * into s from app.schedules x where x.id = p_schedule_id;
    if found then
      perform app.next_calendar_seq(s.workspace_id, s.calendar_id);
      select * into s from app.schedules x where x.id = p_schedule_id for update;
    end if;
    return s;
  end $$;
  create function invite(p_schedule_id uuid, p_user_id uuid, p_comes boolean) returns void language plpgsql as $$
  declare
    s app.schedules;
  begin
    s := hold(p_schedule_id);
    if s.id is null then
      return;
    end if;
    if not p_comes then
      delete from app.schedule_guests g where g.schedule_id = s.id and g.user_id = p_user_id;
      perform app.request_instances(s.workspace_id, s.id, null, null);
    elsif not exists (select from app.schedule_guests g where g.schedule_id = s.id and g.user_id = p_user_id) then
      insert into app.schedule_guests (workspace_id, calendar_id, schedule_id, id, user_id, created_by)
      values (s.workspace_id, s.calendar_id, s.id, gen_random_uuid(), p_user_id, p_user_id);
      perform app.shut_instances(s.workspace_id, s.calendar_id, s.id, null, null);
    end if;
  end $$;
  create function edit(p_schedule_id uuid, p_fields jsonb) returns void language plpgsql as $$
  declare
    s app.schedules;
  begin
    s := hold(p_schedule_id);
    if s.id is null then
      return;
    end if;
    s := jsonb_populate_record(s, p_fields);
    update app.schedules x set starts_local = s.starts_local, duration_seconds = s.duration_seconds, rrule = s.rrule, exdates = s.exdates
    where x.id = s.id;
    perform app.uncover_schedule(s.workspace_id, s.calendar_id, s.id, null, null);
  end $$;
  create function override(p_schedule_id uuid, p_recurrence_id timestamp, p_starts_local timestamp, p_is_cancelled boolean)
  returns void language plpgsql as $$
  declare
    s app.schedules;
  begin
    s := hold(p_schedule_id);
    if s.id is null then
      return;
    end if;
    insert into app.schedule_overrides as o (workspace_id, calendar_id, schedule_id, recurrence_id, starts_local, is_cancelled)
    values (s.workspace_id, s.calendar_id, s.id, p_recurrence_id, p_starts_local, p_is_cancelled)
    on conflict (workspace_id, calendar_id, schedule_id, recurrence_id) do update
    set starts_local = excluded.starts_local, is_cancelled = excluded.is_cancelled;
    perform app.uncover_schedule(s.workspace_id, s.calendar_id, s.id, null, null);
  end $$;
  create function remove(p_schedule_id uuid) returns void language plpgsql as $$
  declare
    s app.schedules;
  begin
    s := hold(p_schedule_id);
    delete from app.schedules x where x.id = s.id;
  end $$;`;

/** Everything about the instances of a calendar, of one moment. */
export interface Picture {
  subscriptions: { user_id: string; instances_of: string | null }[];
  schedules: {
    id: string;
    from: string;
    until: string;
    series: Series;
    /** Whose rows there are to be; null: for all. */
    readers: (string | null)[];
    guests: string[];
  }[];
  /** Schedule, reader, recurrence id, start and end in epoch milliseconds, whether an override. */
  rows: [string, string | null, string, number, number, boolean][];
}

export async function takePicture(database: TestDatabase, { calendar_id }: SeededCalendar): Promise<Picture> {
  const [row] = await database.asOwner<{ picture: Picture }>(
    `select jsonb_build_object(
       'subscriptions', (select jsonb_agg(jsonb_build_object('user_id', s.user_id, 'instances_of', s.instances_of))
         from app.calendar_subscriptions s where s.calendar_id = $1),
       'schedules', (select coalesce(jsonb_agg(jsonb_build_object('id', s.id, 'from', s.materialised_from, 'until', s.materialised_until,
           'series', app.series_json(s), 'readers', (select jsonb_agg(r) from app.list_readers(s.workspace_id, s.calendar_id, s.id) r),
           'guests', (select coalesce(jsonb_agg(g.user_id), '[]') from app.schedule_guests g where g.schedule_id = s.id))), '[]')
         from app.schedules s where s.calendar_id = $1),
       'rows', (select coalesce(jsonb_agg(jsonb_build_array(i.schedule_id, i.user_id, to_char(i.recurrence_id, 'YYYY-MM-DD"T"HH24:MI:SS'),
           extract(epoch from i.starts_at) * 1000, extract(epoch from i.ends_at) * 1000, i.is_override)), '[]')
         from app.schedule_instances i where i.calendar_id = $1)) as picture`,
    [calendar_id],
  );
  return row!.picture;
}

const at = (time: string): number =>
  time === 'infinity' ? Date.UTC(2200, 0) : time === '-infinity' ? Date.UTC(1800, 0) : Date.parse(time);

type Schedule = Picture['schedules'][number];

/** What rows of one reader there are to be, in order. */
export function expectedRows({ series, from, until }: Schedule): string[] {
  if (until === '-infinity' || from === 'infinity') return [];
  return expandSeries(series, { from: at(from), to: at(until) })
    .map((o) => [o.recurrence_id.padEnd(19, 'T00:00:00'), o.starts_at, o.ends_at, o.is_override].join(' '))
    .toSorted();
}

/** The rows of one reader in the window of a schedule, in order. */
export function rowsOf({ rows }: Picture, { id, from, until }: Schedule, reader: string | null): string[] {
  return rows
    .filter(([schedule_id, user_id, , starts_at, ends_at]) => {
      const is_inside = starts_at < at(until) && (ends_at > at(from) || starts_at >= at(from));
      return schedule_id === id && user_id === reader && is_inside;
    })
    .map(([, , ...row]) => row.join(' '))
    .toSorted();
}

/** Whose rows are read of a schedule: what subscriptions say, and guests their own. */
export const readBy = ({ subscriptions }: Picture, { guests }: Schedule): (string | null)[] => [
  ...new Set([...subscriptions.map(({ instances_of }) => instances_of), ...guests]),
];

/** Everything is open, these readers have every row, and there are no others. */
export async function expectExactly(
  database: TestDatabase,
  calendar: SeededCalendar,
  readers: (string | null)[],
): Promise<void> {
  const picture = await takePicture(database, calendar);
  let count = 0;
  for (const schedule of picture.schedules) {
    expect(schedule.until, 'is open').not.toBe('-infinity');
    const expected = expectedRows(schedule);
    for (const reader of readers)
      expect(rowsOf(picture, schedule, reader), `rows of ${reader ?? 'all'}`).toEqual(expected);
    count += expected.length * readers.length;
  }
  expect(picture.rows.length).toBe(count);
}
