import { addMember, seedWorkspace, type SeededWorkspace } from '@potentia/db/testing/seed';
import { seedCalendar, seedSubscription, type SeededCalendar } from '@potentia/db/testing/seed-calendar';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { updateMe } from '../auth/update-me.ts';
import { addGuests } from './add-guests.ts';
import { createSchedule } from './create-schedule.ts';
import { deleteSchedule } from './delete-schedule.ts';
import { respondToSchedule } from './respond-to-schedule.ts';
import { expandSeries } from './rules/expand.ts';
import type { Override, Series } from './rules/series.ts';
import { toInstant } from './rules/zones.ts';
import { startBusyKit, type BusyKit } from './testing/busy-kit.ts';
import { updateSchedule } from './update-schedule.ts';
import { updateSubscription } from './update-subscription.ts';

/*
 * Whatever is written, and whether jobs have run or not: what Redis and Postgres tell together is what comes of painting every
 * occurrence of every schedule, minute by minute.
 */

let kit: BusyKit;
beforeAll(async () => {
  kit = await startBusyKit();
});
afterAll(() => kit[Symbol.asyncDispose]());

const MINUTE = 60_000;
const FROM = Date.parse('2026-03-04T11:30:00Z');
const TO = Date.parse('2026-03-31T07:00:00Z');

interface World {
  home: SeededWorkspace;
  calendars: SeededCalendar[];
  people: string[];
}

/** Two calendars, one with a subscriber for whom it counts and one for whom it does not; one person has only what they are invited to. */
async function makeWorld(): Promise<World> {
  const { db } = kit.database;
  const home = await seedWorkspace(db);
  const others = await Promise.all([0, 1, 2].map(async () => (await addMember(db, home)).user_id));
  const first = await seedCalendar(db, home, { time_zone: 'Europe/Berlin' });
  const second = await seedCalendar(db, home, { owner: { user_id: others[0]! }, time_zone: 'America/New_York' });
  await seedSubscription(db, first, 'editor', { user_id: others[0]! });
  await seedSubscription(db, first, 'viewer', { user_id: others[1]! });
  return { home, calendars: [first, second], people: [home.owner_user_id, ...others] };
}

const schedule = fc.constantFrom(
  { starts_local: '2026-03-05T09:00:00', duration_seconds: 5_400 },
  { starts_local: '2026-03-05T23:00:00', duration_seconds: 10_800, rrule: 'FREQ=DAILY;COUNT=40' },
  { starts_local: '2026-03-02T02:30:00', duration_seconds: 3_600, rrule: 'FREQ=WEEKLY;BYDAY=SU,WE' },
  { starts_local: '2026-03-09', duration_seconds: 86_400, rrule: 'FREQ=WEEKLY' },
  { starts_local: '2026-03-07', duration_seconds: 3 * 86_400 },
  { starts_local: '2026-03-20T01:30:00', duration_seconds: 7_200, time_zone: null, rrule: 'FREQ=DAILY' },
  { starts_local: '2025-12-30T12:00:00', duration_seconds: 70 * 86_400 },
  {
    starts_local: '2026-03-16T08:00:00',
    duration_seconds: 1_800,
    rrule: 'FREQ=DAILY;COUNT=5',
    status: 'tentative' as const,
  },
  { starts_local: '2026-03-10T10:00:00', duration_seconds: 0 },
  {
    starts_local: '2026-03-10T10:00:00',
    duration_seconds: 7_200,
    transparency: 'transparent' as const,
    rrule: 'FREQ=MONTHLY',
  },
  {
    starts_local: '2026-01-05T14:00:00',
    duration_seconds: 3_600,
    visibility: 'private' as const,
    rrule: 'FREQ=WEEKLY;UNTIL=20260320T000000Z',
  },
);
const patch = fc.constantFrom(
  { duration_seconds: 172_800 },
  { transparency: 'transparent' as const },
  { transparency: 'opaque' as const },
  { status: 'tentative' as const },
  { status: 'cancelled' as const },
  { status: 'confirmed' as const },
  { title: 'Another' },
  'later' as const,
);
const action = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('create' as const), which: fc.nat(1), schedule }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('update' as const),
      which: fc.nat(),
      patch,
      nth: fc.nat(20),
      scope: fc.nat(2),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('delete' as const), which: fc.nat(), nth: fc.nat(20), scope: fc.nat(2) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('invite' as const), which: fc.nat(), who: fc.nat(3) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('respond' as const),
      which: fc.nat(),
      who: fc.nat(3),
      nth: fc.nat(20),
      scope: fc.nat(2),
      response: fc.constantFrom('accepted' as const, 'declined' as const, 'tentative' as const),
    }),
  },
  fc.record({
    kind: fc.constant('subscription' as const),
    who: fc.integer({ min: 0, max: 2 }),
    affects_busy: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('zone' as const),
    who: fc.nat(3),
    time_zone: fc.constantFrom('Asia/Jakarta', 'America/New_York', 'UTC'),
  }),
  fc.record({ kind: fc.constant('leave' as const), who: fc.integer({ min: 1, max: 3 }) }),
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('jobs' as const), which: fc.nat(1) }) },
);
type Action = typeof action extends fc.Arbitrary<infer A> ? A : never;

const scopes = ['this', 'following', 'all'] as const;

/** The query of a change to the nth of the occurrences that it has from the spring on. */
async function scopeOf(id: string, nth: number, scope: number) {
  const [row] = await kit.database.asOwner<{ series: Series }>(
    'select app.series_json(s) as series from app.schedules s where id = $1',
    [id],
  );
  const found = expandSeries(row!.series, { from: Date.parse('2026-03-01'), to: Date.parse('2026-04-30') });
  const named = found[nth % Math.max(found.length, 1)];
  const chosen = named ? scopes[scope]! : 'all';
  return { schedule_id: id, scope: chosen, ...(chosen === 'all' ? {} : { recurrence_id: named!.recurrence_id }) };
}

async function perform(world: World, a: Action): Promise<unknown> {
  const ctxOf = (who: number) => kit.ctxOf(world.people[who]!);
  if (a.kind === 'create') {
    const calendar = world.calendars[a.which]!;
    const input = { calendar_id: calendar.calendar_id, title: 'Meeting', ...a.schedule };
    return createSchedule(kit.ctxOf(calendar.user_id), input);
  }
  if (a.kind === 'jobs') return kit.materialise(world.calendars[a.which]!.calendar_id);
  if (a.kind === 'zone') return updateMe(ctxOf(a.who), { time_zone: a.time_zone });
  if (a.kind === 'leave') {
    const params = [world.home.workspace_id, world.people[a.who]];
    await kit.database.asOwner('delete from app.workspace_members where workspace_id = $1 and user_id = $2', params);
    if (a.who === 3) return;
    return kit.database.asOwner(
      `insert into app.workspace_members (workspace_id, user_id, role) values ($1, $2, 'member')`,
      params,
    );
  }
  if (a.kind === 'subscription') {
    const { calendar_id } = world.calendars[0]!;
    return updateSubscription(ctxOf(a.who), {
      calendar_id,
      user_id: world.people[a.who]!,
      affects_busy: a.affects_busy,
    });
  }
  const schedules = await kit.database.asOwner<{ id: string; user_id: string }>(
    `select s.id, c.owner_user_id as user_id from app.schedules s join app.calendars c on c.id = s.calendar_id
     where c.id = any ($1) order by s.id`,
    [world.calendars.map(({ calendar_id }) => calendar_id)],
  );
  const found = schedules[a.which % Math.max(schedules.length, 1)];
  if (!found) return;
  if (a.kind === 'invite')
    return addGuests(kit.ctxOf(found.user_id), { schedule_id: found.id, user_id: world.people[a.who]! });
  const of = await scopeOf(found.id, a.nth, a.scope);
  if (a.kind === 'respond') return respondToSchedule(ctxOf(a.who), { ...of, response: a.response });
  const ctx = kit.ctxOf(found.user_id);
  if (a.kind === 'delete') return deleteSchedule(ctx, of);
  if (a.patch !== 'later') return updateSchedule(ctx, { ...of, ...a.patch });
  const [row] = await kit.database.asOwner<{ starts: string }>(
    'select app.local_json(starts_local, is_all_day) as starts from app.schedules where id = $1',
    [found.id],
  );
  const local = of.recurrence_id ?? row!.starts;
  return updateSchedule(ctx, { ...of, starts_local: later(local) });
}

/** By half a day and half an hour, or by two days. */
const later = (local: string): string =>
  local.includes('T')
    ? new Date(Date.parse(`${local}Z`) + 45_000_000).toISOString().slice(0, 19)
    : new Date(Date.parse(local) + 2 * 86_400_000).toISOString().slice(0, 10);

interface Stored {
  series: Omit<Series, 'overrides'> & {
    overrides: (Override & { status: string | null; transparency: string | null })[];
  };
  status: string;
  transparency: string;
  time_zone: string;
  response: string | null;
  responses: { recurrence_id: string; applies_to: string; response: string }[];
}

const STORED = `
  select app.series_json(s) as series, s.status, s.transparency, u.time_zone, g.response,
    (select coalesce(jsonb_agg(jsonb_build_object('recurrence_id', app.local_json(r.recurrence_id, s.is_all_day),
      'applies_to', r.applies_to, 'response', r.response)), '[]') from app.schedule_responses r where r.guest_id = g.id) as responses
  from app.users u
  cross join app.schedules s
  join app.workspaces w on w.id = s.workspace_id
  left join app.schedule_guests g on g.schedule_id = s.id and g.user_id = u.id
  left join app.calendar_subscriptions b on b.calendar_id = s.calendar_id and b.user_id = u.id
  where u.id = $1 and (g.id is not null or b.affects_busy)
    and (w.owner_user_id = u.id or exists (select from app.workspace_members m where m.workspace_id = w.id and m.user_id = u.id))`;

/** What there is to tell of somebody, from nothing but what is stored. */
async function paint(user_id: string): Promise<string[]> {
  const minutes = new Uint8Array((TO - FROM) / MINUTE);
  for (const stored of await kit.database.asOwner<Stored>(STORED, [user_id])) {
    const { series, response, responses } = stored;
    for (const { recurrence_id, starts_at, ends_at } of expandSeries(series, { from: FROM - 2e8, to: TO + 2e8 })) {
      const override = series.overrides.find((one) => one.recurrence_id === recurrence_id);
      const following = responses
        .filter((one) => one.applies_to === 'following' && one.recurrence_id <= recurrence_id)
        .toSorted((a, b) => (a.recurrence_id < b.recurrence_id ? 1 : -1))[0];
      const own = responses.find((one) => one.applies_to === 'this' && one.recurrence_id === recurrence_id);
      const answer = (own ?? following)?.response ?? response;
      const status = override?.status ?? stored.status;
      if (status === 'cancelled' || (override?.transparency ?? stored.transparency) === 'transparent') continue;
      if (answer === 'declined' || ends_at === starts_at) continue;
      const zone = series.time_zone === null ? stored.time_zone : 'UTC';
      const starts = toInstant(starts_at, zone);
      const ends = Math.max(toInstant(ends_at, zone), zone === 'UTC' ? 0 : starts + MINUTE);
      const mark = status === 'tentative' || answer === 'tentative' || answer === 'needs_action' ? 1 : 2;
      for (let m = Math.max(0, (starts - FROM) / MINUTE); m < Math.min(minutes.length, (ends - FROM) / MINUTE); m++)
        minutes[m] = Math.max(minutes[m]!, mark);
    }
  }
  const told: string[] = [];
  for (let m = 0, from = 0; m < minutes.length; from = m) {
    while (m < minutes.length && minutes[m] === minutes[from]) m++;
    if (minutes[from]! > 0) told.push(`${text(from)}/${text(m)} ${minutes[from] === 1 ? 'tentative' : 'busy'}`);
  }
  return told;
}

const text = (minute: number): string => new Date(FROM + minute * MINUTE).toISOString().replace('.000Z', 'Z');

/** What cannot be done changes nothing; what it is refused for is others' business. */
async function attempt(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof Error) || !['AppError', 'PlanRefused'].includes(error.name)) throw error;
  }
}

test(
  'free/busy is what follows from what is stored, after every write, with and without jobs',
  { timeout: 240_000 },
  async () => {
    let compared = 0;
    let spans = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 6, maxLength: 25 }), async (actions) => {
        const world = await makeWorld();
        for (const one of actions) {
          await attempt(perform(world, one));
          const isIn = await Promise.all(world.people.map(async (id) => [id, await paint(id)] as const));
          const told = await kit.busy(world.home.owner_user_id, world.people, text(0), text((TO - FROM) / MINUTE));
          const gone = one.kind === 'leave' && one.who === 3;
          isIn.forEach(([, expected], i) => {
            if (told[i] === null) return expect(gone || i === 3).toBe(true);
            expect(told[i], `person ${i} after ${JSON.stringify(one)}`).toEqual(expected);
            compared += 1;
            spans += expected.length;
          });
        }
      }),
      { numRuns: 40 },
    );
    const { hit = 0, stale = 0, miss = 0 } = await kit.outcomes();
    expect(compared).toBeGreaterThan(500);
    expect(spans).toBeGreaterThan(1_000);
    // All three ways were gone.
    expect(Math.min(hit, stale, miss)).toBeGreaterThan(100);
  },
);
