import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import {
  seedCalendar,
  seedGuest,
  seedOverride,
  seedSchedule,
  seedSubscription,
  type SeededCalendar,
  type SeededSchedule,
  type SeededScheduleFields,
} from '@potentia/db/testing/seed-calendar';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { personCtx } from '../platform/testing/person.ts';
import { fanOutCalendar } from './fan-out-calendar.ts';
import { materialiseSchedule } from './materialise-schedule.ts';
import { moveSchedule } from './move-schedule.ts';
import { sweepInstances } from './sweep-instances.ts';
import {
  expectExactly,
  installEdits,
  interrupted,
  jobCtx,
  rowsOf,
  seedReaders,
  takePicture,
} from './testing/instance-kit.ts';
import { WRITING } from './testing/view-kit.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await installEdits(database);
});
afterAll(() => database.drop());

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 2, 10, 12);
const clock = () => new Date(NOW);
const LIMITS = { limit: 3, back: 2 };

const setUp = (fields?: Partial<SeededScheduleFields>, subscribers = 2) => seedReaders(database, fields, subscribers);

const materialise = async ({ schedule_id }: SeededSchedule, ctx = jobCtx(database.job_db, clock)) => {
  await materialiseSchedule(ctx, { payload: { schedule_id } });
  return ctx.rows;
};
const fanOut = async ({ calendar_id }: SeededCalendar, ctx = jobCtx(database.job_db, clock)) => {
  await fanOutCalendar(ctx, { payload: { calendar_id } }, LIMITS);
  return ctx.rows;
};
const picture = (calendar: SeededCalendar) => takePicture(database, calendar);

const expectRows = (calendar: SeededCalendar, readers: (string | null)[]) => expectExactly(database, calendar, readers);
const meanwhile = (where: string, what: () => Promise<unknown>) => interrupted(database, where, what, clock);

describe('a schedule is materialised', () => {
  it('for every subscriber and guest, of a series from 90 days ago until in 400 at least', async () => {
    const { calendar, schedule, people } = await setUp();
    const guest = await seedGuest(database.db, schedule);
    await materialise(schedule);
    await expectRows(calendar, [calendar.user_id, ...people, guest.user_id]);
    const [{ from, until } = { from: '', until: '' }] = (await picture(calendar)).schedules;
    expect(Date.parse(from)).toBeLessThanOrEqual(NOW - 90 * DAY_MS);
    expect(Date.parse(from)).toBeGreaterThan(NOW - 98 * DAY_MS);
    expect(Date.parse(until)).toBeGreaterThanOrEqual(NOW + 400 * DAY_MS);
    expect(Date.parse(until)).toBeLessThan(NOW + 408 * DAY_MS);
  });

  it.each<[string, Partial<SeededScheduleFields>, string, string]>([
    ['one that does not recur: whole', {}, '-infinity', 'infinity'],
    [
      'one of 1950, on its own dates: whole',
      { starts_local: '1950-05-05T10:00:00', rdates: ['1999-01-01T00:00:00'] },
      '-infinity',
      'infinity',
    ],
    ['a series that ends within the window: to the end of time', { rrule: 'FREQ=DAILY;COUNT=20' }, '2025', 'infinity'],
    [
      'a series that ended long ago: not at all',
      { rrule: 'FREQ=DAILY;COUNT=20', starts_local: '2020-01-01T09:00:00' },
      'infinity',
      'infinity',
    ],
    [
      'all day',
      { is_all_day: true, time_zone: null, rrule: 'FREQ=MONTHLY', duration_seconds: 172_800 },
      '2025',
      '2027',
    ],
    ['floating', { time_zone: null, rrule: 'FREQ=MONTHLY' }, '2025', '2027'],
  ])('%s', async (_name, fields, from, until) => {
    const { calendar, schedule, people } = await setUp(fields);
    await materialise(schedule);
    await expectRows(calendar, [calendar.user_id, ...people]);
    const [found] = (await picture(calendar)).schedules;
    expect([found!.from.slice(0, from.length), found!.until.slice(0, until.length)]).toEqual([from, until]);
  });

  it('again without writing a row that is right, and after an edit only those that changed', async () => {
    const { calendar, schedule, people } = await setUp();
    const { written } = await materialise(schedule);
    expect(written).toBe((await picture(calendar)).rows.length);
    const shut = `update app.schedules set materialised_from = '-infinity', materialised_until = '-infinity' where id = $1`;
    await database.asOwner(shut, [schedule.schedule_id]);
    expect(await materialise(schedule)).toEqual({ written: 0, deleted: 0 });
    await seedOverride(database.db, schedule, {
      recurrence_id: '2026-04-06T09:00:00',
      starts_local: '2026-04-06T15:00:00',
    });
    await database.asOwner('select edit($1, $2::text::jsonb)', [
      schedule.schedule_id,
      '{"exdates": ["2026-04-13T09:00:00"]}',
    ]);
    expect(await materialise(schedule)).toEqual({ written: 3, deleted: 6 });
    await expectRows(calendar, [calendar.user_id, ...people]);
    await database.asOwner('select edit($1, $2::text::jsonb)', [schedule.schedule_id, '{"rrule": null}']);
    await materialise(schedule);
    await expectRows(calendar, [calendar.user_id, ...people]);
  });

  it('by two workers at once', async () => {
    const { calendar, schedule, people } = await setUp({ rrule: 'FREQ=DAILY' }, 5);
    await Promise.all(Array.from({ length: 4 }, () => materialise(schedule)));
    await expectRows(calendar, [calendar.user_id, ...people]);
  });

  it('while it is edited, also between the last row and the opening: what was overtaken is never read', async () => {
    for (const where of ['write_instances', 'finish_instances']) {
      const { calendar, schedule, people } = await setUp();
      const ctx = meanwhile(where, () =>
        database.asOwner('select edit($1, $2::text::jsonb)', [
          schedule.schedule_id,
          '{"starts_local": "2026-03-03T11:00:00"}',
        ]),
      );
      await materialise(schedule, ctx);
      await expectRows(calendar, [calendar.user_id, ...people]);
    }
  });

  it('while somebody subscribes, somebody is invited, and somebody leaves', async () => {
    const { calendar, schedule, people, newcomer } = await setUp();
    const [subscriber, guest] = [await newcomer(), await newcomer()];
    const ctx = meanwhile('finish_instances', async () => {
      await database.asOwner('select subscribe($1, $2)', [calendar.calendar_id, subscriber]);
      await database.asOwner('select unsubscribe($1, $2)', [calendar.calendar_id, people[0]]);
      await database.asOwner('select invite($1, $2, true)', [schedule.schedule_id, guest]);
    });
    await materialise(schedule, ctx);
    await expectRows(calendar, [calendar.user_id, people[1]!, subscriber, guest]);
  });
});

describe('whose rows a subscription reads', () => {
  const readsOf = async (calendar: SeededCalendar, user_id: string) =>
    (await picture(calendar)).subscriptions.find((s) => s.user_id === user_id)?.instances_of;

  it('the owner’s at first, their own once those are copied; when they leave, they are deleted, but for what they are a guest of', async () => {
    const { calendar, schedule, newcomer } = await setUp(undefined, 0);
    const other = await seedSchedule(database.db, calendar, { rrule: 'FREQ=DAILY' });
    for (const one of [schedule, other]) await materialise(one);
    const user_id = await newcomer();
    await database.asOwner('select subscribe($1, $2)', [calendar.calendar_id, user_id]);
    expect(await readsOf(calendar, user_id)).toBe(calendar.user_id);
    await fanOut(calendar);
    expect(await readsOf(calendar, user_id)).toBe(user_id);
    await expectRows(calendar, [calendar.user_id, user_id]);
    expect(await fanOut(calendar)).toEqual({ written: 0, deleted: 0 });

    await database.asOwner('select invite($1, $2, true)', [schedule.schedule_id, user_id]);
    await materialise(schedule);
    await database.asOwner('select unsubscribe($1, $2)', [calendar.calendar_id, user_id]);
    await fanOut(calendar);
    const found = await picture(calendar);
    const counts = found.schedules.map((s) => [s.id === schedule.schedule_id, rowsOf(found, s, user_id).length > 0]);
    expect(counts.toSorted()).toEqual([
      [false, false],
      [true, true],
    ]);
  });

  it('those for all above the limit, and their own again when few are left; guests keep theirs', async () => {
    const { calendar, schedule, people, newcomer } = await setUp(undefined, 2);
    const guest = await seedGuest(database.db, schedule, { user_id: people[0]! });
    await materialise(schedule);
    await fanOut(calendar);
    const user_id = await newcomer();
    await database.asOwner('select subscribe($1, $2)', [calendar.calendar_id, user_id]);
    await fanOut(calendar);
    await expectRows(calendar, [null, guest.user_id]);
    expect((await picture(calendar)).subscriptions.map((s) => s.instances_of)).toEqual([null, null, null, null]);

    const late = await seedSchedule(database.db, calendar, { rrule: 'FREQ=DAILY' });
    await materialise(late);
    for (const gone of [user_id, people[1]])
      await database.asOwner('select unsubscribe($1, $2)', [calendar.calendar_id, gone]);
    await fanOut(calendar);
    await expectRows(calendar, [calendar.user_id, people[0]!]);
    expect((await picture(calendar)).subscriptions.every((s) => s.instances_of === s.user_id)).toBe(true);
  });

  it('somebody who left and came back while their rows were copied is not turned over to what is left of them', async () => {
    const { calendar, schedule, newcomer } = await setUp(undefined, 0);
    await materialise(schedule);
    const user_id = await newcomer();
    await database.asOwner('select subscribe($1, $2)', [calendar.calendar_id, user_id]);
    const ctx = meanwhile('turn_subscriptions', async () => {
      await database.asOwner('select unsubscribe($1, $2)', [calendar.calendar_id, user_id]);
      await fanOut(calendar);
      await database.asOwner('select subscribe($1, $2)', [calendar.calendar_id, user_id]);
    });
    await fanOut(calendar, ctx);
    expect(await readsOf(calendar, user_id)).toBe(calendar.user_id);
    await fanOut(calendar);
    expect(await readsOf(calendar, user_id)).toBe(user_id);
    await expectRows(calendar, [calendar.user_id, user_id]);
  });

  it('nothing of a calendar that is gone', async () => {
    const { calendar } = await setUp();
    await database.asOwner('delete from app.calendars where id = $1', [calendar.calendar_id]);
    expect(await fanOut(calendar)).toEqual({ written: 0, deleted: 0 });
  });
});

describe('what is left over', () => {
  it('instances of a deleted schedule, and of a deleted calendar, are swept by the jobs that their deletion leaves', async () => {
    const { calendar, schedule } = await setUp();
    const other = await seedSchedule(database.db, calendar, { rrule: 'FREQ=DAILY' });
    for (const one of [schedule, other]) await materialise(one);
    await database.asOwner('select remove($1)', [schedule.schedule_id]);
    await database.asOwner('delete from app.calendars where id = $1', [calendar.calendar_id]);
    const jobs = await database.asOwner<{ payload: { schedule_ids: string[] } }>(
      `select payload from app.outbox where topic = 'calendar.sweep' and payload -> 'schedule_ids' ?| $1`,
      [[schedule.schedule_id, other.schedule_id]],
    );
    expect(jobs.map(({ payload }) => payload.schedule_ids).sort()).toEqual(
      [[schedule.schedule_id], [other.schedule_id]].sort(),
    );
    for (const { payload } of jobs) await sweepInstances(jobCtx(database.job_db, clock), { payload });
    const left = await database.asOwner('select from app.schedule_instances where calendar_id = $1', [
      calendar.calendar_id,
    ]);
    expect(left.length).toBe(0);
  });

  it('what those had who subscribe to the calendar that a schedule was moved away from, by the job that the move leaves', async () => {
    const { calendar, schedule, people } = await setUp();
    const guest = await seedGuest(database.db, schedule);
    await materialise(schedule);
    await expectRows(calendar, [calendar.user_id, ...people, guest.user_id]);
    const { db } = database;
    const home = { workspace_id: calendar.workspace_id, owner_user_id: calendar.user_id };
    const other = await seedCalendar(db, home);
    const { user_id } = await seedSubscription(db, other);
    const mover = { ...personCtx(db, calendar.user_id), ...WRITING };
    await moveSchedule(mover, { schedule_id: schedule.schedule_id, calendar_id: other.calendar_id });
    const asked = `select 1 from app.outbox where topic = 'calendar.materialise' and payload ->> 'schedule_id' = $1`;
    expect(await database.asOwner(asked, [schedule.schedule_id])).not.toEqual([]);
    await materialise(schedule);
    const readers = `select distinct user_id, calendar_id from app.schedule_instances where schedule_id = $1 order by user_id`;
    const expected = [other.user_id, user_id, guest.user_id].sort();
    expect(await database.asOwner(readers, [schedule.schedule_id])).toEqual(
      expected.map((reader) => ({ user_id: reader, calendar_id: other.calendar_id })),
    );
    await expectRows(other, expected);
  });

  it('also those whose job was lost, once a day; tombstones after three months; and nothing that is in use', async () => {
    const { calendar, schedule, people } = await setUp();
    const gone = await setUp();
    for (const one of [schedule, gone.schedule]) await materialise(one);
    await database.asOwner('select remove($1)', [gone.schedule.schedule_id]);
    await database.asOwner(
      `insert into app.schedule_tombstones (workspace_id, calendar_id, schedule_id, seq, created_at)
       select $1, $2, gen_random_uuid(), 1, at from unnest($3::text[]::timestamptz[]) at`,
      [
        calendar.workspace_id,
        calendar.calendar_id,
        [93, 91].map((days) => new Date(NOW - days * DAY_MS).toISOString()),
      ],
    );
    await sweepInstances(jobCtx(database.job_db, clock), { payload: {} });
    expect((await picture(gone.calendar)).rows).toEqual([]);
    await expectRows(calendar, [calendar.user_id, ...people]);
    const stones = await database.asOwner('select from app.schedule_tombstones where calendar_id = $1', [
      calendar.calendar_id,
    ]);
    expect(stones.length).toBe(1);
  });
});
