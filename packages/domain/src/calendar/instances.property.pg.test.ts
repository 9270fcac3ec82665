import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { addMember, seedWorkspace } from '@potentia/db/testing/seed';
import { seedCalendar, seedSchedule, type SeededCalendar } from '@potentia/db/testing/seed-calendar';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AppError } from '../platform/errors.ts';
import { fanOutCalendar } from './fan-out-calendar.ts';
import { materialiseSchedule } from './materialise-schedule.ts';
import { sweepInstances } from './sweep-instances.ts';
import {
  expectedRows,
  installEdits,
  jobCtx,
  type Picture,
  readBy,
  rowsOf,
  takePicture,
  watched,
} from './testing/instance-kit.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await installEdits(database);
});
afterAll(() => database.drop());

const NOW = () => new Date('2026-03-10T12:00:00Z');
/** Shared rows from four subscribers on, so that the calendar goes there and back. */
const LIMITS = { limit: 3, back: 2 };

const change = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('subscribe' as const), who: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('unsubscribe' as const), who: fc.nat(3) }) },
  fc.record({ kind: fc.constant('hand over' as const), who: fc.nat(3), stays: fc.boolean() }),
  fc.record({ kind: fc.constant('invite' as const), who: fc.nat(3), which: fc.nat(1), comes: fc.boolean() }),
  fc.record({
    kind: fc.constant('edit' as const),
    which: fc.nat(1),
    fields: fc.constantFrom(
      { rrule: 'FREQ=MONTHLY' },
      { rrule: 'FREQ=WEEKLY;INTERVAL=6;BYDAY=MO,TH' },
      { rrule: null },
      { rrule: 'FREQ=MONTHLY;COUNT=3' },
      { starts_local: '2026-03-02T10:30:00' },
      { starts_local: '2025-01-06T08:00:00', duration_seconds: 172_800 },
      { exdates: ['2026-04-02T09:00:00'] },
    ),
  }),
  fc.record({
    kind: fc.constant('override' as const),
    which: fc.nat(1),
    recurrence_id: fc.constantFrom('2026-04-02T09:00:00', '2026-05-02T10:30:00'),
    starts_local: fc.constantFrom('2026-04-03T12:00:00', null),
    is_cancelled: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('remove' as const), which: fc.constant(1) }),
);
/** A job, one of those that wait; killed after so many statements. */
const job = fc.record({
  kind: fc.constant('job' as const),
  which: fc.nat(),
  dies_after: fc.oneof({ weight: 4, arbitrary: fc.constant(Infinity) }, fc.integer({ min: 1, max: 4 })),
});
type Change = typeof change extends fc.Arbitrary<infer C> ? C : never;
type Job = typeof job extends fc.Arbitrary<infer J> ? J : never;
interface Waiting {
  id: string;
  topic: string;
  payload: { schedule_id: string; calendar_id: string; schedule_ids: string[] };
}

interface World {
  calendar: SeededCalendar;
  schedules: string[];
  people: string[];
}

async function seedWorld(): Promise<World> {
  const workspace = await seedWorkspace(database.db);
  const calendar = await seedCalendar(database.db, workspace);
  const people = await Promise.all([0, 1, 2, 3].map(async () => (await addMember(database.db, workspace)).user_id));
  const schedules: string[] = [];
  for (const rrule of ['FREQ=MONTHLY', 'FREQ=WEEKLY;INTERVAL=5']) {
    const { schedule_id } = await seedSchedule(database.db, calendar, { rrule, time_zone: 'Europe/Berlin' });
    await database.asOwner('select app.request_instances($1, $2, null, null)', [calendar.workspace_id, schedule_id]);
    schedules.push(schedule_id);
  }
  return { calendar, schedules, people };
}

function apply(world: World, c: Change): Promise<unknown> {
  const who = 'who' in c ? world.people[c.who] : undefined;
  const which = 'which' in c ? world.schedules[c.which] : undefined;
  const { calendar_id } = world.calendar;
  switch (c.kind) {
    case 'subscribe':
      return database.asOwner('select subscribe($1, $2)', [calendar_id, who]);
    case 'unsubscribe':
      return database.asOwner('select unsubscribe($1, $2)', [calendar_id, who]);
    case 'hand over':
      return database.asOwner('select hand_over($1, $2, $3)', [calendar_id, who, c.stays]);
    case 'invite':
      return database.asOwner('select invite($1, $2, $3)', [which, who, c.comes]);
    case 'edit':
      return database.asOwner('select edit($1, $2::text::jsonb)', [which, JSON.stringify(c.fields)]);
    case 'override':
      return database.asOwner('select override($1, $2, $3, $4)', [
        which,
        c.recurrence_id,
        c.starts_local,
        c.is_cancelled,
      ]);
    case 'remove':
      return database.asOwner('select remove($1)', [which]);
  }
}

const listWaiting = ({ calendar }: World) =>
  database.asOwner<Waiting>(
    `select id, topic, payload from app.outbox
     where topic in ('calendar.materialise', 'calendar.fan_out', 'calendar.sweep')
       and (payload ->> 'calendar_id' = $1 or payload ->> 'schedule_id' = any ($2) or payload -> 'schedule_ids' ?| $2)
     order by id`,
    [calendar.calendar_id, [...new Set(known.get(calendar.calendar_id))]],
  );
const known = new Map<string, string[]>();

async function runJob({ topic, payload }: Waiting, before: () => Promise<void>): Promise<void> {
  const ctx = jobCtx(watched(database.job_db, before), NOW);
  if (topic === 'calendar.materialise') await materialiseSchedule(ctx, { payload });
  else if (topic === 'calendar.fan_out') await fanOutCalendar(ctx, { payload }, LIMITS);
  else await sweepInstances(ctx, { payload });
}

class Killed extends Error {}

/** One that dies, or finds things changing, stays in the queue. */
async function work(world: World, { which, dies_after }: Job, turn: () => Promise<void>): Promise<void> {
  const waiting = await listWaiting(world);
  const found = waiting[which % Math.max(waiting.length, 1)];
  if (!found) return;
  let statements = 0;
  try {
    await runJob(found, async () => {
      if (++statements > dies_after) throw new Killed();
      await turn();
    });
    await database.asOwner('delete from app.outbox where id = $1', [found.id]);
  } catch (error) {
    if (!(error instanceof Killed) && !(error instanceof AppError && error.kind === 'unavailable')) throw error;
  }
}

/** At every moment: whoever reads rows that are open finds all of them, as the series has them. */
function expectReadable(picture: Picture): void {
  for (const schedule of picture.schedules) {
    if (schedule.until === '-infinity') continue;
    const expected = expectedRows(schedule);
    for (const reader of readBy(picture, schedule))
      expect(rowsOf(picture, schedule, reader), `what ${reader ?? 'everybody'} reads`).toEqual(expected);
  }
}

/** In the end: everything is open, and no row is missing, doubled, stale or nobody's. */
function expectExact(picture: Picture): void {
  let count = 0;
  for (const schedule of picture.schedules) {
    expect(schedule.until, 'is open').not.toBe('-infinity');
    const expected = expectedRows(schedule);
    for (const reader of schedule.readers) expect(rowsOf(picture, schedule, reader)).toEqual(expected);
    count += expected.length * schedule.readers.length;
  }
  expect(picture.rows.length).toBe(count);
}

test('in whatever order people, edits and jobs come, several at once and some killed, readers find every row, and in the end there are no others', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.oneof(change, { weight: 2, arbitrary: job }), { minLength: 5, maxLength: 30 }),
      async (scheduler, commands) => {
        const world = await seedWorld();
        known.set(world.calendar.calendar_id, world.schedules);
        const turn = () => scheduler.schedule(Promise.resolve());
        const failures: unknown[] = [];
        let running = 0;
        const start = (task: () => Promise<unknown>): void => {
          running += 1;
          void task()
            .catch((error: unknown) => failures.push(error))
            .finally(() => (running -= 1));
        };
        for (const command of commands)
          start(async () => {
            await turn();
            await (command.kind === 'job' ? work(world, command, turn) : apply(world, command));
          });
        while (running > 0) {
          if (scheduler.count() > 0) await scheduler.waitNext(1);
          else await new Promise(setImmediate);
          expectReadable(await takePicture(database, world.calendar));
        }
        expect(failures).toEqual([]);
        for (;;) {
          const waiting = await listWaiting(world);
          if (waiting.length === 0) break;
          for (const { id } of waiting.slice(0, 1)) {
            await work(world, { kind: 'job', which: 0, dies_after: Infinity }, () => Promise.resolve());
            expect((await listWaiting(world)).map((row) => row.id)).not.toContain(id);
          }
        }
        expectExact(await takePicture(database, world.calendar));
      },
    ),
    { numRuns: 15 },
  );
}, 120_000);
