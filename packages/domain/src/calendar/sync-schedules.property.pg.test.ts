import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { addMember, seedWorkspace, type SeededWorkspace } from '@potentia/db/testing/seed';
import { seedCalendar } from '@potentia/db/testing/seed-calendar';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AppError } from '../platform/errors.ts';
import { personCtx } from '../platform/testing/person.ts';
import { removeWorkspaceMember } from '../workspace/remove-workspace-member.ts';
import { addGuests } from './add-guests.ts';
import type { BusyCtx } from './busy-cache.ts';
import { createSchedule } from './create-schedule.ts';
import { createSubscription } from './create-subscription.ts';
import { deleteCalendar } from './delete-calendar.ts';
import { deleteSchedule } from './delete-schedule.ts';
import { deleteSubscription } from './delete-subscription.ts';
import type { GuestCtx } from './guest-ctx.ts';
import { moveSchedule } from './move-schedule.ts';
import { removeGuest } from './remove-guest.ts';
import { respondToSchedule } from './respond-to-schedule.ts';
import { SyncClient } from './testing/sync-client.ts';
import { WRITING } from './testing/view-kit.ts';
import { updateCalendar } from './update-calendar.ts';
import { updateSchedule } from './update-schedule.ts';
import { updateSubscription } from './update-subscription.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const DAY_MS = 86_400_000;
const BEGINNING = Date.parse('2026-03-10T12:00:00Z');
/** Days before the day on which everything begins. */
const TIMES = [
  { starts_local: '2026-03-02T09:00:00', time_zone: 'Europe/Berlin', duration_seconds: 3_600, rrule: 'FREQ=WEEKLY' },
  { starts_local: '2026-03-09', is_all_day: true, duration_seconds: 2 * 86_400, rrule: 'FREQ=MONTHLY' },
  { starts_local: '2026-03-12T08:00:00', time_zone: null, duration_seconds: 600 },
  // Comes into the window as the days go by, and this one leaves it.
  { starts_local: '2027-03-12T08:00:00', duration_seconds: 86_400 },
  { starts_local: '2026-02-09T08:00:00', duration_seconds: 86_400 },
  { starts_local: '2020-02-09T08:00:00', duration_seconds: 0, rrule: 'FREQ=DAILY;COUNT=4' },
];

const which = fc.nat(3);
const calendar = fc.nat(1);
const times = fc.constantFrom(...TIMES);
const content = fc.record(
  {
    title: fc.constantFrom('one', 'two'),
    visibility: fc.constantFrom('default' as const, 'private' as const),
    status: fc.constantFrom('confirmed' as const, 'cancelled' as const),
    transparency: fc.constantFrom('opaque' as const, 'transparent' as const),
  },
  { requiredKeys: ['title'] },
);
const op = <K extends string, S extends object>(kind: K, shape: { [N in keyof S]: fc.Arbitrary<S[N]> }) =>
  fc.record({ kind: fc.constant(kind), ...shape }) as unknown as fc.Arbitrary<{ kind: K } & S>;
const change = fc.oneof(
  op('subscribe', { calendar, role: fc.constantFrom('viewer' as const, 'freebusy' as const, 'editor' as const) }),
  op('look', { calendar, color: fc.constantFrom('#111111', null), is_hidden: fc.boolean() }),
  op('unsubscribe', { calendar }),
  op('recolor', { calendar, color: fc.constantFrom('#222222', '#333333') }),
  { weight: 3, arbitrary: op('create', { calendar, times, content }) },
  { weight: 3, arbitrary: op('update', { which, content }) },
  op('reschedule', { which, times }),
  op('updateOne', {
    which,
    title: fc.constantFrom('other', 'another'),
    scope: fc.constantFrom('this' as const, 'following' as const),
  }),
  op('deleteOne', { which, scope: fc.constantFrom('this' as const, 'following' as const) }),
  op('delete', { which }),
  op('move', { which, calendar }),
  { weight: 2, arbitrary: op('invite', { which }) },
  op('uninvite', { which }),
  op('respond', { which, response: fc.constantFrom('accepted' as const, 'declined' as const), is_all: fc.boolean() }),
  op('deleteCalendar', { calendar: fc.constant(1) }),
  op('leave', {}),
  op('join', {}),
  op('wait', { days: fc.integer({ min: 1, max: 5 }) }),
);
type Change = typeof change extends fc.Arbitrary<infer C> ? C : never;
const step = fc.oneof(
  { weight: 3, arbitrary: change },
  fc.record({
    kind: fc.constant('sync' as const),
    limit: fc.constantFrom(1, 2, 200),
    meanwhile: fc.option(change, { nil: null }),
  }),
);

/** One workspace: its owner, who writes, and somebody who synchronises. */
class World {
  readonly schedules: string[] = [];
  readonly calendars: string[] = [];
  now = BEGINNING;
  readonly writer: BusyCtx & GuestCtx;
  readonly reader: ReturnType<typeof personCtx>;
  readonly home: SeededWorkspace;

  constructor(home: SeededWorkspace, reader_id: string) {
    this.home = home;
    const clock = { clock: () => new Date(this.now) };
    this.reader = personCtx(database.db, reader_id, clock);
    this.writer = { ...personCtx(database.db, home.owner_user_id, clock), ...WRITING };
  }

  async apply(c: Change): Promise<void> {
    try {
      await this.#apply(c);
    } catch (error) {
      // What cannot be done in this state; a defect is no AppError.
      if (!(error instanceof AppError) || error.kind === 'unavailable') throw error;
    }
  }

  async #apply(c: Change): Promise<unknown> {
    const { writer, reader } = this;
    const { user_id } = reader.actor;
    const calendar_id = 'calendar' in c ? (this.calendars[c.calendar] ?? '') : '';
    const schedule_id = 'which' in c ? (this.schedules[c.which % Math.max(1, this.schedules.length)] ?? '') : '';
    switch (c.kind) {
      case 'subscribe':
        return createSubscription(writer, { calendar_id, user_id, role: c.role }).catch(() =>
          updateSubscription(writer, { calendar_id, user_id, role: c.role }),
        );
      case 'look':
        return updateSubscription(reader, { calendar_id, user_id, color: c.color, is_hidden: c.is_hidden });
      case 'unsubscribe':
        return deleteSubscription(reader, { calendar_id, user_id });
      case 'recolor':
        return updateCalendar(writer, { calendar_id, color: c.color });
      case 'create': {
        const { result } = await createSchedule(writer, { calendar_id, ...c.times, ...c.content });
        return this.schedules.push(result.id);
      }
      case 'update':
        return updateSchedule(writer, { schedule_id, ...c.content });
      case 'reschedule':
        return updateSchedule(writer, { schedule_id, rrule: null, is_all_day: false, ...c.times });
      case 'updateOne':
        return updateSchedule(writer, { ...(await this.#occurrence(schedule_id)), scope: c.scope, title: c.title });
      case 'deleteOne':
        return deleteSchedule(writer, { ...(await this.#occurrence(schedule_id)), scope: c.scope });
      case 'delete':
        return deleteSchedule(writer, { schedule_id });
      case 'move':
        return moveSchedule(writer, { schedule_id, calendar_id });
      case 'invite':
        return addGuests(writer, { schedule_id, user_id });
      case 'uninvite': {
        const [guest] = await database.asOwner<{ guest_id: string }>(
          'select id as guest_id from app.schedule_guests where user_id = $1 and schedule_id::text = $2',
          [user_id, schedule_id],
        );
        return guest && removeGuest(writer, { schedule_id, ...guest });
      }
      case 'respond': {
        if (c.is_all) return respondToSchedule(reader, { schedule_id, response: c.response });
        return respondToSchedule(reader, {
          ...(await this.#occurrence(schedule_id)),
          scope: 'this',
          response: c.response,
        });
      }
      case 'deleteCalendar': {
        await deleteCalendar(writer, { calendar_id });
        return (this.calendars[c.calendar] = (await seedCalendar(database.db, this.home)).calendar_id);
      }
      case 'leave':
        return removeWorkspaceMember(writer, { workspace_id: this.home.workspace_id, user_id });
      case 'join':
        return addMember(database.db, this.home, 'member', { user_id });
      case 'wait':
        return (this.now += c.days * DAY_MS);
    }
  }

  /** Some occurrence of it, not the first. */
  async #occurrence(schedule_id: string): Promise<{ schedule_id: string; recurrence_id: string }> {
    const [row] = await database.asOwner<{ is_all_day: boolean; starts_local: string }>(
      'select is_all_day, starts_local::text as starts_local from app.schedules where id::text = $1',
      [schedule_id],
    );
    const is_weekly = row?.starts_local.startsWith('2026-03-02');
    const recurrence_id = row?.is_all_day ? '2026-04-09' : is_weekly ? '2026-03-23T09:00:00' : '2026-03-12T08:00:00';
    return { schedule_id, recurrence_id };
  }
}

async function makeWorld(): Promise<World> {
  const home = await seedWorkspace(database.db);
  const { user_id } = await addMember(database.db, home);
  const world = new World(home, user_id);
  for (let n = 0; n < 2; n++) world.calendars.push((await seedCalendar(database.db, home)).calendar_id);
  for (const [n, times] of TIMES.slice(0, 4).entries())
    await world.apply({ kind: 'create', calendar: n % 2, times, content: { title: 'one' } });
  await world.apply({ kind: 'subscribe', calendar: 0, role: 'viewer' });
  return world;
}

test(
  'whoever takes what changed holds what they would hold who read everything anew, after any writes',
  { timeout: 240_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
        const world = await makeWorld();
        const client = new SyncClient();
        await client.synchronise(world.reader, { limit: 3 });
        for (const s of [...steps, { kind: 'sync' as const, limit: 200, meanwhile: null }]) {
          if (s.kind !== 'sync') {
            await world.apply(s);
            continue;
          }
          let { meanwhile } = s;
          const between = async (): Promise<void> => {
            if (meanwhile) await world.apply(meanwhile);
            meanwhile = null;
          };
          await client.synchronise(world.reader, { limit: s.limit, between });
          // What was written between two pages is told the next time at the latest.
          await client.synchronise(world.reader, { limit: s.limit });
          const fresh = new SyncClient();
          await fresh.synchronise(world.reader, { limit: 200 });
          expect(client.held()).toEqual(fresh.held());
        }
      }),
      { numRuns: 40 },
    );
  },
);
