import { afterAll, beforeAll, expect, test } from 'vitest';
import { withContext, type Tx } from '../context.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { seedCalendar, type SeededCalendar } from '../testing/seed-calendar.ts';
import { selectView, type ViewRow } from './view-queries.ts';

/* What a view reads of a calendar with years of history: the rows of its window, and not whatever else there is. */

let t: TestDatabase;
let calendar: SeededCalendar;
let busy_elsewhere: SeededCalendar;
beforeAll(async () => {
  t = await createTestDatabase();
  calendar = await seedCalendar(t.db);
  busy_elsewhere = await seedCalendar(t.db);
  const place = [calendar.workspace_id, calendar.calendar_id, calendar.user_id];
  const elsewhere = [busy_elsewhere.workspace_id, busy_elsewhere.calendar_id, busy_elsewhere.user_id];
  await t.asOwner('set session_replication_role = replica');
  for (const [of, name] of [
    [place, 'own'],
    [elsewhere, 'other'],
  ] as const) {
    // Once each, every five hours for ten years; series that ended, a month each; two that go on.
    await t.asOwner(
      `insert into app.schedules (id, workspace_id, calendar_id, uid, organiser_user_id, title, starts_local, time_zone, duration_seconds,
         rrule, first_at, last_at, materialised_from, materialised_until, created_by)
       select md5($4 || n)::uuid, $1::uuid, $2::uuid, n::text, $3::uuid, 'x', at, 'UTC', 3600, null::text, at at time zone 'UTC', (at + interval '1 hour') at time zone 'UTC',
         timestamptz '-infinity', timestamptz 'infinity', $3::uuid
       from generate_series(1, 15000) n, lateral (select timestamp '2026-06-01' - n * interval '5 hours' as at) a
       union all
       select md5($4 || -n)::uuid, $1::uuid, $2::uuid, (-n)::text, $3::uuid, 'x', at, 'UTC', 3600, 'FREQ=DAILY;COUNT=30', at at time zone 'UTC',
         (at + interval '30 days') at time zone 'UTC', 'infinity', 'infinity', $3::uuid
       from generate_series(1, 500) n, lateral (select timestamp '2026-01-01' - n * interval '1 week' as at) a
       union all
       select md5($4 || 'daily' || n)::uuid, $1::uuid, $2::uuid, 'daily' || n, $3::uuid, 'x', '2020-01-01', 'UTC', 3600, 'FREQ=DAILY', '2020-01-01', null::timestamptz,
         '2025-12-01', '2027-04-01', $3::uuid from generate_series(1, 2) n`,
      [...of, name],
    );
  }
  await t.asOwner(
    `insert into app.schedule_instances (calendar_id, schedule_id, user_id, recurrence_id, starts_at, ends_at, is_override)
     select s.calendar_id, s.id, $2::uuid, s.starts_local, s.first_at, s.last_at, false from app.schedules s
     where s.calendar_id = $1 and s.rrule is null
     union all
     select s.calendar_id, s.id, $2::uuid, timestamp '2025-12-01' + d * interval '1 day', timestamptz '2025-12-01' + d * interval '1 day',
       timestamptz '2025-12-01 01:00' + d * interval '1 day', false
     from app.schedules s, generate_series(0, 480) d where s.calendar_id = $1 and s.last_at is null`,
    [calendar.calendar_id, calendar.user_id],
  );
  // The person was a guest of all that stands elsewhere.
  await t.asOwner(
    `insert into app.schedule_guests (workspace_id, calendar_id, schedule_id, id, user_id, last_at, created_by)
     select s.workspace_id, s.calendar_id, s.id, gen_random_uuid(), $2::uuid, s.last_at, $2::uuid from app.schedules s where s.calendar_id = $1`,
    [busy_elsewhere.calendar_id, calendar.user_id],
  );
  // As were many others, of other things.
  await t.asOwner(
    `insert into app.schedule_guests (workspace_id, calendar_id, schedule_id, id, user_id, last_at, created_by)
     select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), md5('u' || n % 1000)::uuid,
       timestamptz '2026-06-01' - n * interval '10 minutes', gen_random_uuid() from generate_series(1, 60000) n`,
  );
  await t.asOwner(`insert into app.workspace_members (workspace_id, user_id, role) values ($1, $2, 'member')`, [
    busy_elsewhere.workspace_id,
    calendar.user_id,
  ]);
  await t.asOwner('set session_replication_role = origin');
  await t.asOwner('vacuum analyze');
});
afterAll(() => t.drop());

const march = {
  from: '2026-03-01T00:00:00Z',
  to: '2026-04-01T00:00:00Z',
  after: null,
  calendar_id: null,
  include_hidden: false,
  words: null,
  max_instances: 20_000,
  max_series: 1_000,
};

const TABLES = ['schedule_instances', 'schedules', 'schedule_guests'] as const;
type Reads = Record<(typeof TABLES)[number], number>;

/** How many rows and entries of indexes this transaction has read of each table. */
async function readsOf(tx: Tx): Promise<Reads> {
  const rows = await tx.call<{ name: keyof Reads; rows: number }>(
    `select x.name, (pg_stat_get_xact_tuples_returned(('app.' || x.name)::regclass) + (select sum(pg_stat_get_xact_tuples_returned(i.indexrelid))
       from pg_index i where i.indrelid = ('app.' || x.name)::regclass))::int as rows from unnest($1::text[]) x (name)`,
    [TABLES],
  );
  return Object.fromEntries(rows.map(({ name, rows }) => [name, rows])) as Reads;
}

/** A view, and what it read. The first of a connection reads what it needs for its plan as well. */
function look(window: object): Promise<{ schedules: ViewRow[]; reads: Reads }> {
  return withContext(t.db, calendar, async (tx) => {
    const input = { ...march, ...window, user_id: calendar.user_id };
    await selectView(tx, input);
    const before = await readsOf(tx);
    const view = await selectView(tx, input);
    const after = await readsOf(tx);
    const reads = Object.fromEntries(TABLES.map((name) => [name, after[name] - before[name]])) as Reads;
    return { schedules: view!.schedules, reads };
  });
}

test('a month is read without the years before it', async () => {
  const { schedules, reads } = await look({});
  // 31 days of two series, and every five hours. Elsewhere no instances were written, so the series that go on are expanded.
  const starts = schedules.flatMap(({ instances }) => instances?.starts ?? []);
  expect(starts.length).toBeGreaterThan(200);
  expect(starts.length).toBeLessThan(240);
  expect(reads.schedule_instances).toBeLessThan(starts.length + 20);
  // Each of those in the window, and what one was a guest of that has not ended before it.
  expect(reads.schedules).toBeLessThan(900);
  expect(reads.schedule_guests).toBeLessThan(1_500);
});

test('beyond what is materialised the series that go on are expanded, and nothing else is read', async () => {
  const { schedules, reads } = await look({ from: '2028-03-01T00:00:00Z', to: '2028-04-01T00:00:00Z' });
  expect(schedules.map(({ series }) => series?.rrule)).toEqual(Array(4).fill('FREQ=DAILY'));
  expect(reads.schedule_instances).toBe(0);
  expect(reads.schedules).toBeLessThan(30);
  expect(reads.schedule_guests).toBeLessThan(30);
});
