import type { Db } from '@potentia/db/client';
import { DbUnavailableError } from '@potentia/db/errors';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { seedSchedule } from '@potentia/db/testing/seed-calendar';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { extendHorizon } from './extend-horizon.ts';
import { fanOutCalendar } from './fan-out-calendar.ts';
import { materialiseSchedule } from './materialise-schedule.ts';
import { expectExactly, installEdits, interrupted, jobCtx, seedReaders, takePicture } from './testing/instance-kit.ts';

/* The job is for all schedules, so each of these has a database. */
let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
  await installEdits(database);
});
afterEach(() => database.drop());

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 2, 10, 12);
const clock = () => new Date(NOW);

test('the horizon moves week by week: what comes is written, what lies behind deleted, everything else left as it is', async () => {
  const { calendar, schedule, people } = await seedReaders(database, {
    rrule: 'FREQ=DAILY',
    starts_local: '2025-06-01T09:00:00',
  });
  await materialiseSchedule(jobCtx(database.job_db, clock), { payload: { schedule_id: schedule.schedule_id } });
  const before = (await takePicture(database, calendar)).schedules[0]!;
  // Whole weeks: windows move each at a time of its own.
  const later = jobCtx(database.job_db, () => new Date(NOW + 21 * DAY_MS));
  await extendHorizon(later);
  const after = (await takePicture(database, calendar)).schedules[0]!;
  expect(Date.parse(after.from) - Date.parse(before.from)).toBe(21 * DAY_MS);
  expect(Date.parse(after.until) - Date.parse(before.until)).toBe(21 * DAY_MS);
  await expectExactly(database, calendar, [calendar.user_id, ...people]);
  expect(later.rows).toEqual({ written: 63, deleted: 63 });
  await extendHorizon(later);
  expect(later.rows).toEqual({ written: 63, deleted: 63 });
});

test('the horizon passes a series that has ended, until nothing of it is left', async () => {
  const { calendar, schedule, people } = await seedReaders(database, { rrule: 'FREQ=DAILY;COUNT=5' });
  await materialiseSchedule(jobCtx(database.job_db, clock), { payload: { schedule_id: schedule.schedule_id } });
  await extendHorizon(jobCtx(database.job_db, () => new Date(NOW + 30 * DAY_MS)));
  await expectExactly(database, calendar, [calendar.user_id, ...people]);
  expect((await takePicture(database, calendar)).rows.length).toBe(15);
  await extendHorizon(jobCtx(database.job_db, () => new Date(NOW + 120 * DAY_MS)));
  expect(await takePicture(database, calendar)).toMatchObject({
    rows: [],
    schedules: [{ from: 'infinity', until: 'infinity' }],
  });
});

test('what comes is written for who subscribed meanwhile, and left to the other job when the schedule is edited', async () => {
  const { calendar, schedule, people, newcomer } = await seedReaders(database, { rrule: 'FREQ=DAILY' }, 0);
  await materialiseSchedule(jobCtx(database.job_db, clock), { payload: { schedule_id: schedule.schedule_id } });
  const user_id = await newcomer();
  const later = () => new Date(NOW + 15 * DAY_MS);
  const ctx = interrupted(
    database,
    'finish_instances',
    async () => {
      await database.asOwner('select subscribe($1, $2)', [calendar.calendar_id, user_id]);
      await fanOutCalendar(jobCtx(database.job_db, clock), { payload: { calendar_id: calendar.calendar_id } });
    },
    clock,
  );
  await extendHorizon({ ...ctx, clock: later });
  await expectExactly(database, calendar, [calendar.user_id, ...people, user_id]);
  const edit = () =>
    database.asOwner('select edit($1, $2::text::jsonb)', [schedule.schedule_id, '{"rrule": "FREQ=WEEKLY"}']);
  await extendHorizon({
    ...interrupted(database, 'finish_instances', edit, clock),
    clock: () => new Date(NOW + 30 * DAY_MS),
  });
  await expectExactly(database, calendar, [calendar.user_id, user_id]);
});

test('the same job looks after what waits for one that is lost', async () => {
  const { calendar, people } = await seedReaders(database);
  await extendHorizon(jobCtx(database.job_db, clock));
  await expectExactly(database, calendar, [calendar.user_id, ...people]);
});

test('a schedule that fails keeps no other waiting; a database that is away ends the run', async () => {
  const { calendar, schedule, people } = await seedReaders(database);
  const other = await seedSchedule(database.db, calendar, { rrule: 'FREQ=DAILY' });
  let failures = 0;
  const failing = (text: string, params: readonly unknown[] = []): boolean =>
    text.includes('read_expansion') && params[0] === schedule.schedule_id;
  const db: Db = {
    ...database.job_db,
    call(text, params, options) {
      if (!failing(text, params)) return database.job_db.call(text, params, options);
      failures += 1;
      return Promise.reject(new DbUnavailableError('deadline'));
    },
  };
  expect(await extendHorizon(jobCtx(db, clock))).toEqual({ extended: 0, rescued: 1 });
  expect(failures).toBe(1);
  const open = (await takePicture(database, calendar)).schedules.filter(({ until }) => until !== '-infinity');
  expect(open.map(({ id }) => id)).toEqual([other.schedule_id]);
  await extendHorizon(jobCtx(database.job_db, clock));
  await expectExactly(database, calendar, [calendar.user_id, ...people]);

  for (let n = 0; n < 4; n++) await seedSchedule(database.db, calendar, { rrule: 'FREQ=DAILY' });
  const away: Db = {
    ...database.job_db,
    call: (text, params, options) =>
      text.includes('write_instances')
        ? Promise.reject(new DbUnavailableError('deadline'))
        : database.job_db.call(text, params, options),
  };
  await expect(extendHorizon(jobCtx(away, clock))).rejects.toMatchObject({ kind: 'unavailable' });
});
