import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { addMember, seedWorkspace, type SeededWorkspace } from '@potentia/db/testing/seed';
import { seedCalendar, seedSchedule, type SeededCalendar } from '@potentia/db/testing/seed-calendar';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { UserCtx } from '../platform/ctx.ts';
import { addGuests } from './add-guests.ts';
import { createSchedule } from './create-schedule.ts';
import { deleteSchedule } from './delete-schedule.ts';
import { removeGuest } from './remove-guest.ts';
import { expandSeries } from './rules/expand.ts';
import type { Series } from './rules/series.ts';
import { updateSchedule } from './update-schedule.ts';
import { as, look, MARCH, materialise, see, WRITING } from './testing/view-kit.ts';
let database: TestDatabase;
let home: SeededWorkspace;
let calendar: SeededCalendar;
let owner: UserCtx;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  home = await seedWorkspace(database.db);
  calendar = await seedCalendar(database.db, home);
  owner = person(calendar);
});

const person = (who: { user_id: string }): UserCtx => as(database, who);

describe('the moment of a write', () => {
  const WINDOWS = [
    MARCH,
    { ...MARCH, from: '2026-01-15T00:00:00Z' },
    // Across the end of what is materialised, behind it, and before its beginning.
    { ...MARCH, from: '2027-04-01T00:00:00Z', to: '2027-05-15T00:00:00Z' },
    { ...MARCH, from: '2030-01-01T00:00:00Z', to: '2030-02-01T00:00:00Z' },
    { ...MARCH, from: '2025-11-01T00:00:00Z', to: '2025-12-20T00:00:00Z' },
  ];

  async function expected(window: (typeof WINDOWS)[number]): Promise<string[]> {
    const rows = await database.asOwner<{ title: string; series: Series }>(
      'select s.title, app.series_json(s) as series from app.schedules s where calendar_id = $1',
      [calendar.calendar_id],
    );
    const cut = { from: Date.parse(window.from), to: Date.parse(window.to) };
    return rows.flatMap(({ title, series }) =>
      expandSeries(series, cut).map(
        (o) => `${new Date(o.starts_at).toISOString().slice(0, 19)}Z ${o.recurrence_id} ${title}`,
      ),
    );
  }
  const compareAll = async (what: string): Promise<void> => {
    for (const window of WINDOWS) {
      const seen = (await see(owner, window)).map((i) => `${i.starts_at} ${i.recurrence_id} ${i.title}`);
      expect(seen.toSorted(), `${what}, ${window.from}`).toEqual((await expected(window)).toSorted());
    }
  };

  it('shows what was written in it, while jobs write the instances, and where no instances reach', async () => {
    const writer = { ...owner, ...WRITING };
    const { calendar_id } = calendar;
    const made = await createSchedule(writer, {
      ...{ calendar_id, title: 'New', starts_local: '2025-10-01T09:00:00', time_zone: 'Europe/Berlin' },
      ...{ duration_seconds: 5_400, rrule: 'FREQ=DAILY' },
    });
    const schedule_id = made.result.id;
    const listIds = () =>
      database.asOwner<{ schedule_id: string }>('select id as schedule_id from app.schedules where calendar_id = $1', [
        calendar_id,
      ]);
    // A schedule that is edited faster than it is written is tried again.
    const isBusy = (error: { code?: string }) => expect(error.code).toBe('schedule.busy');
    let is_over = false;
    const jobs = Promise.all(
      [1, 2].map(async () => {
        while (!is_over) for (const one of await listIds()) await materialise(database, one).catch(isBusy);
      }),
    );
    try {
      await compareAll('created');
      for (let day = 2; day < 8; day++) {
        const named = { schedule_id, recurrence_id: `2026-03-0${day}T09:00:00` };
        await updateSchedule(writer, { ...named, scope: 'this', starts_local: `2026-03-1${day}T14:00:00` });
        await compareAll('one moved');
        await deleteSchedule(writer, { ...named, recurrence_id: `2026-03-2${day}T09:00:00`, scope: 'this' });
        await compareAll('one deleted');
        await updateSchedule(writer, { schedule_id, title: `Title ${day}` });
        await compareAll('renamed');
        await updateSchedule(writer, { schedule_id, duration_seconds: 3_600 + day });
        await compareAll('longer');
      }
      await updateSchedule(writer, {
        ...{ schedule_id, scope: 'following', recurrence_id: '2026-03-19T09:00:00' },
        ...{ starts_local: '2026-03-19T10:00:00', title: 'Cut off' },
      });
      await compareAll('cut off');
      await deleteSchedule(writer, { schedule_id });
      await compareAll('deleted');
    } finally {
      is_over = true;
      await jobs;
    }
    await compareAll('when the jobs are done');
    const { read } = await look(owner);
    expect(read.instances).toBeGreaterThan(0);
    expect(read.expanded).toBe(0);
  });

  it('shows a schedule whose instances are whole to whoever is invited to it, and no more to whoever is removed', async () => {
    const schedule = await seedSchedule(database.db, calendar, { rrule: 'FREQ=DAILY;COUNT=3' });
    await materialise(database, schedule);
    const member = await addMember(database.db, home);
    const guest = person(member);
    expect(await see(guest)).toEqual([]);
    const { schedule_id } = schedule;
    const { user_id } = member;
    const { result } = await addGuests({ ...owner, ...WRITING }, { schedule_id, user_id });
    expect(await see(guest)).toHaveLength(3);
    await materialise(database, schedule);
    expect(await look(guest)).toMatchObject({ items: { length: 3 }, read: { expanded: 0 } });
    await removeGuest(owner, { schedule_id, guest_id: result.items[0]!.id });
    expect(await see(guest)).toEqual([]);
  });
});
