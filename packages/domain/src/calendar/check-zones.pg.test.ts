import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { seedUser } from '@potentia/db/testing/seed';
import { seedCalendar, seedGuest, seedSchedule, type SeededCalendar } from '@potentia/db/testing/seed-calendar';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkZones } from './check-zones.ts';
import { materialiseSchedule } from './materialise-schedule.ts';
import { expectedRows, jobCtx, rowsOf, takePicture } from './testing/instance-kit.ts';

/* Zones belong to the whole database, so each of these has one. */
let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.drop());

const NOW = Date.UTC(2026, 2, 10, 12);

async function setUp() {
  const ctx = jobCtx(database.job_db, () => new Date(NOW));
  const calendar = await seedCalendar(database.db);
  const berlin = await seedSchedule(database.db, calendar, { rrule: 'FREQ=WEEKLY', time_zone: 'Europe/Berlin' });
  const tokyo = await seedSchedule(database.db, calendar, { rrule: 'FREQ=WEEKLY', time_zone: 'Asia/Tokyo' });
  const guest = await seedGuest(database.db, berlin);
  const materialise = ({ schedule_id }: { schedule_id: string }) =>
    materialiseSchedule(ctx, { payload: { schedule_id } });
  for (const one of [berlin, tokyo]) await materialise(one);
  const state = () =>
    database.asOwner<{ id: string; sequence: number; until: string; seq: number; tz_version: string; first_at: Date }>(
      'select id, sequence, materialised_until::text as until, seq::int, tz_version, first_at from app.schedules order by time_zone desc',
    );
  const zones = () =>
    database.asOwner<{ time_zone: string; fingerprint: string; tz_version: string; is_changing: boolean }>(
      'select time_zone, fingerprint, tz_version, is_changing from app.time_zone_rules order by time_zone',
    );
  return { ctx, calendar, berlin, tokyo, guest, materialise, state, zones };
}

test('zones that are as they were are left alone, and looked at once a day', async () => {
  const { ctx, state, zones } = await setUp();
  const before = await state();
  expect((await zones()).map(({ time_zone }) => time_zone)).toEqual(['Asia/Tokyo', 'Europe/Berlin']);
  await database.asOwner(`update app.time_zone_rules set checked_at = '2026-03-01'`);
  expect(await checkZones(ctx)).toEqual({ changed: [], uncovered: 0 });
  const [row] = await database.asOwner<{ n: number }>(
    `select count(*)::int as n from app.time_zone_rules where checked_at > now() - interval '1 minute'`,
  );
  expect(row?.n).toBe(2);
  expect(await state()).toEqual(before);
});

test.each([
  ['another tz database has changed', '2020a'],
  ['this one has, without another name', process.versions.tz],
])('a zone that %s: its schedules are expanded anew, others are not', async (_name, tz_version) => {
  const { ctx, calendar, berlin, guest, materialise, state, zones } = await setUp();
  const before = await state();
  const right = await zones();
  const head = async () => {
    const text = 'select seq::int from app.user_calendar_heads where user_id = $1';
    return (await database.asOwner<{ seq: number }>(text, [guest.user_id]))[0]?.seq ?? 0;
  };
  const head_before = await head();
  const calendar_seq = async () => {
    const text = 'select seq::int from app.calendars where id = $1';
    return (await database.asOwner<{ seq: number }>(text, [calendar.calendar_id]))[0]!.seq;
  };
  const seq_before = await calendar_seq();
  const params = [tz_version];
  await database.asOwner(
    `update app.time_zone_rules set fingerprint = 'another', tz_version = $1, checked_at = '2026-03-01' where time_zone = 'Europe/Berlin'`,
    params,
  );
  await database.asOwner('update app.schedules set tz_version = $1 where id = $2', [tz_version, berlin.schedule_id]);
  // As that database had it: an hour off.
  await database.asOwner(
    `update app.schedule_instances set starts_at = starts_at + interval '1 hour', ends_at = ends_at + interval '1 hour' where schedule_id = $1`,
    [berlin.schedule_id],
  );
  expect(await checkZones(ctx)).toEqual({ changed: ['Europe/Berlin'], uncovered: 1 });
  expect(await zones()).toEqual(right);
  const [changed, other] = await state();
  expect(other).toEqual(before[1]);
  expect(changed).toMatchObject({ sequence: before[0]!.sequence + 1, until: '-infinity' });
  // What subscribers have synchronised, and their free/busy, is older than that.
  expect(await calendar_seq()).toBe(seq_before + 1);
  expect(changed!.seq).toBe(seq_before + 1);
  expect(await head()).toBe(1 + head_before);

  await materialise(berlin);
  const picture = await takePicture(database, calendar);
  const schedule = picture.schedules.find(({ id }) => id === berlin.schedule_id)!;
  for (const reader of [calendar.user_id, guest.user_id])
    expect(rowsOf(picture, schedule, reader)).toEqual(expectedRows(schedule));
  const [expanded] = await state();
  expect(expanded!.tz_version).toBe(process.versions.tz);
  if (tz_version !== process.versions.tz) expect(expanded!.first_at.toISOString()).toBe('2026-03-02T08:00:00.000Z');
  expect(await checkZones(ctx)).toEqual({ changed: [], uncovered: 0 });
});

test('a change that a crash has cut off goes on, and leaves what was expanded since', async () => {
  const { ctx, berlin, materialise, state } = await setUp();
  await database.asOwner(`update app.schedules set tz_version = '2020a' where id = $1`, [berlin.schedule_id]);
  await database.asOwner(
    `update app.time_zone_rules set tz_version = '2020a', is_changing = true where time_zone = 'Europe/Berlin'`,
  );
  expect(await checkZones(ctx)).toMatchObject({ uncovered: 1 });
  await materialise(berlin);
  await database.asOwner(
    `update app.time_zone_rules set tz_version = '2020a', is_changing = true where time_zone = 'Europe/Berlin'`,
  );
  const before = await state();
  expect(await checkZones(ctx)).toMatchObject({ uncovered: 0 });
  expect(await state()).toEqual(before);
});

test('a change does not stand in the way of an edit that it waits for', async () => {
  const { ctx, zones } = await setUp();
  const right = await zones();
  const calendars = [await seedCalendar(database.db), await seedCalendar(database.db)];
  calendars.sort((a, b) => (a.calendar_id < b.calendar_id ? -1 : 1));
  const [first, later] = calendars as [SeededCalendar, SeededCalendar];
  const { user_id } = await seedUser(database.db);
  for (const calendar of [first, later]) {
    const schedule = await seedSchedule(database.db, calendar, { rrule: 'FREQ=WEEKLY', time_zone: 'Europe/Berlin' });
    await seedGuest(database.db, schedule, { user_id });
  }
  await database.asOwner(
    `update app.time_zone_rules set fingerprint = 'another', tz_version = '2020a' where time_zone = 'Europe/Berlin'`,
  );
  await database.asOwner('begin');
  await database.asOwner('select app.next_calendar_seq($1, $2)', [later.workspace_id, later.calendar_id]);
  const checking = checkZones(ctx);
  checking.catch(() => undefined);
  const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  await expect.poll(async () => (await database.asOwner(waiting)).length).toBe(1);
  await database.asOwner('select app.bump_user_calendars(array[$1]::uuid[])', [user_id]);
  await database.asOwner('commit');
  expect(await checking).toMatchObject({ uncovered: 2 });
  expect(await zones()).toEqual(right);
});

test('a process with other zone tables than those found last writes nothing, and leaves the work to others', async () => {
  const { berlin, materialise, state } = await setUp();
  await database.asOwner(`update app.time_zone_rules set fingerprint = 'newer' where time_zone = 'Europe/Berlin'`);
  await database.asOwner(
    `update app.schedules set materialised_from = '-infinity', materialised_until = '-infinity' where id = $1`,
    [berlin.schedule_id],
  );
  const before = await state();
  await expect(materialise(berlin)).rejects.toMatchObject({ kind: 'unavailable', code: 'calendar.zones_differ' });
  expect(await state()).toEqual(before);
});
