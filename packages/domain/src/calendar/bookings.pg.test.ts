import type { TestDatabase } from '@potentia/db/testing/database';
import { addMember, seedWorkspace } from '@potentia/db/testing/seed';
import { seedCalendar, seedSubscription, type SeededCalendar } from '@potentia/db/testing/seed-calendar';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AppError } from '../platform/errors.ts';
import { createSchedule } from './create-schedule.ts';
import { deleteSchedule } from './delete-schedule.ts';
import { startBusyKit, type BusyKit, type PlannerCtx } from './testing/busy-kit.ts';
import { updateSchedule } from './update-schedule.ts';

let kit: BusyKit;
let database: TestDatabase;
beforeAll(async () => {
  kit = await startBusyKit();
  database = kit.database;
});
afterAll(() => kit[Symbol.asyncDispose]());

let room: SeededCalendar;
let owner: PlannerCtx;
let editor: PlannerCtx;
beforeEach(async () => {
  const home = await seedWorkspace(database.db);
  room = await seedCalendar(database.db, home, { is_exclusive: true, time_zone: 'Europe/Berlin' });
  owner = kit.ctxOf(room.user_id);
  editor = kit.ctxOf((await seedSubscription(database.db, room, 'editor')).user_id);
});

const times = { starts_local: '2026-03-02T09:00:00', duration_seconds: 3_600, time_zone: 'UTC' };
const add = async (fields: object = {}, ctx = owner) =>
  (await createSchedule(ctx, { calendar_id: room.calendar_id, title: 'Meeting', ...times, ...fields })).result;
const refused = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'done',
    (error: unknown) => (error instanceof AppError ? error.code : error),
  );
const booked = async (): Promise<string[]> =>
  (
    await database.asOwner<{ during: string }>(
      `select to_char(lower(during), 'MM-DD HH24:MI') || '/' || to_char(upper(during), 'MM-DD HH24:MI') as during
       from app.schedule_bookings where calendar_id = $1 order by lower(during)`,
      [room.calendar_id],
    )
  ).map(({ during }) => during);

describe('an exclusive calendar', () => {
  test('holds one at a time; what touches does not overlap; who may read it is told what is there', async () => {
    const { id } = await add({ title: 'Board' });
    await add({ starts_local: '2026-03-02T10:00:00' });
    const overlapping = add({ starts_local: '2026-03-02T09:59:59', duration_seconds: 1 }, editor);
    await expect(overlapping).rejects.toMatchObject({
      kind: 'conflict',
      code: 'schedule.booked',
      meta: {
        occurrence: { recurrence_id: '2026-03-02T09:59:59' },
        booked_by: { schedule_id: id, recurrence_id: '2026-03-02T09:00:00', title: 'Board' },
      },
    });
    expect(await booked()).toEqual(['03-02 09:00/03-02 10:00', '03-02 10:00/03-02 11:00']);
  });

  test('books what is tentative, nothing that is cancelled, transparent or of no length', async () => {
    for (const fields of [{ status: 'cancelled' }, { transparency: 'transparent' }, { duration_seconds: 0 }])
      await add(fields);
    await add({ status: 'tentative' });
    expect(await refused(add())).toBe('schedule.booked');
  });

  test('is free again where an occurrence is cancelled, moved or deleted, and taken where it went', async () => {
    const series = await add({ rrule: 'FREQ=DAILY;COUNT=4' });
    const one = (day: number) => ({
      schedule_id: series.id,
      scope: 'this' as const,
      recurrence_id: `2026-03-0${day}T09:00:00`,
    });
    expect(await refused(add({ starts_local: '2026-03-03T09:30:00' }))).toBe('schedule.booked');
    await deleteSchedule(owner, one(3));
    await updateSchedule(owner, { ...one(4), starts_local: '2026-03-04T15:00:00' });
    await add({ starts_local: '2026-03-03T09:30:00' });
    await add({ starts_local: '2026-03-04T09:30:00' });
    expect(await refused(add({ starts_local: '2026-03-04T15:30:00' }))).toBe('schedule.booked');
    expect(await refused(updateSchedule(owner, { ...one(5), starts_local: '2026-03-03T10:00:00' }))).toBe(
      'schedule.booked',
    );
    await deleteSchedule(owner, { schedule_id: series.id });
    expect(await booked()).toEqual(['03-03 09:30/03-03 10:30', '03-04 09:30/03-04 10:30']);
  });

  test('is free while what stands in it is cancelled or transparent, as a whole or for one occurrence', async () => {
    const { id: schedule_id } = await add({ rrule: 'FREQ=DAILY;COUNT=2' });
    const one = { schedule_id, scope: 'this' as const, recurrence_id: '2026-03-03T09:00:00' };
    for (const field of ['status', 'transparency'] as const) {
      const [off, on] = field === 'status' ? ['cancelled', 'confirmed'] : ['transparent', 'opaque'];
      await updateSchedule(owner, { ...one, [field]: off });
      expect(await booked()).toEqual(['03-02 09:00/03-02 10:00']);
      await updateSchedule(owner, { ...one, [field]: on });
      await updateSchedule(owner, { schedule_id, [field]: off });
      expect(await booked()).toEqual([]);
      const { id } = await add();
      expect(await refused(updateSchedule(owner, { schedule_id, [field]: on }))).toBe('schedule.booked');
      await deleteSchedule(owner, { schedule_id: id });
      await updateSchedule(owner, { schedule_id, [field]: on });
      expect(await booked()).toHaveLength(2);
    }
  });

  test('a series may move by less than its length: it is not in its own way', async () => {
    const { id } = await add({ rrule: 'FREQ=DAILY;COUNT=3', duration_seconds: 82_800 });
    await updateSchedule(owner, { schedule_id: id, starts_local: '2026-03-02T11:00:00' });
    expect((await booked())[0]).toBe('03-02 11:00/03-03 10:00');
    expect(
      await refused(
        add({ starts_local: '2026-03-01T09:00:00', rrule: 'FREQ=DAILY;COUNT=2', duration_seconds: 90_000 }),
      ),
    ).toBe('schedule.booked');
    expect(
      await refused(
        add({ starts_local: '2026-04-01T09:00:00', rrule: 'FREQ=DAILY;COUNT=2', duration_seconds: 90_000 }),
      ),
    ).toBe('schedule.overlaps_itself');
  });

  test('refuses what has no end or too many occurrences', async () => {
    expect(await refused(add({ rrule: 'FREQ=WEEKLY' }))).toBe('schedule.booking_unbounded');
  });

  test('takes days without a zone as those of where it stands', async () => {
    await add({ starts_local: '2026-03-03', duration_seconds: 86_400, time_zone: undefined });
    expect(await booked()).toEqual(['03-02 23:00/03-03 23:00']);
  });

  test('of many who book the same time at once exactly one gets it, whichever way they write', async () => {
    const people = await Promise.all(
      Array.from({ length: 4 }, async () => kit.ctxOf((await seedSubscription(database.db, room, 'editor')).user_id)),
    );
    for (let round = 0; round < 5; round++) {
      const day = `2026-03-${String(10 + round)}`;
      const results = await Promise.all(
        Array.from({ length: 12 }, (_, n) =>
          refused(add({ starts_local: `${day}T09:${String(n * 2).padStart(2, '0')}:00` }, people[n % 4])),
        ),
      );
      expect(results.filter((result) => result === 'done')).toHaveLength(1);
      // Those who waited too long for the lock may try again; nobody else got it.
      expect(new Set(results)).toEqual(
        new Set(['done', 'schedule.booked', ...results.filter((r) => r === 'platform.database_unavailable')]),
      );
    }
    expect(await booked()).toHaveLength(5);
  });

  test('the constraint holds where no lock is taken', async () => {
    const { id } = await add();
    const { id: other } = await add({ starts_local: '2026-03-03T09:00:00' });
    const write = (schedule_id: string, starts_at: string, ends_at: string) =>
      database.asOwner(
        'select app.write_bookings($1, $2, $3, array[$4::timestamp], array[$5::timestamptz], array[$6::timestamptz])',
        [...[room.workspace_id, room.calendar_id, schedule_id, '2026-03-02T09:00:00', starts_at, ends_at]],
      );
    await expect(write(other, '2026-03-02T09:30:00Z', '2026-03-02T09:40:00Z')).rejects.toMatchObject({
      message: 'schedule.booked',
    });
    await write(id, '2026-03-05T09:00:00Z', '2026-03-05T10:00:00Z');
    await write(other, '2026-03-02T09:30:00Z', '2026-03-02T09:40:00Z');
    expect(await booked()).toEqual(['03-02 09:30/03-02 09:40', '03-05 09:00/03-05 10:00']);
  });
});

test('a calendar that is not exclusive holds any number at once, and books nothing', async () => {
  const workspace = await seedWorkspace(database.db);
  const calendar = await seedCalendar(database.db, workspace);
  const ctx = kit.ctxOf(workspace.owner_user_id);
  for (let n = 0; n < 2; n++) await createSchedule(ctx, { calendar_id: calendar.calendar_id, title: 'Any', ...times });
  const rows = await database.asOwner('select 1 from app.schedule_bookings where calendar_id = $1', [
    calendar.calendar_id,
  ]);
  expect(rows).toEqual([]);
  expect(
    await refused(
      createSchedule(kit.ctxOf((await addMember(database.db, workspace)).user_id), {
        calendar_id: calendar.calendar_id,
        title: 'Any',
        ...times,
      }),
    ),
  ).toBe('calendar.not_found');
});
