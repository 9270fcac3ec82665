import { fileURLToPath } from 'node:url';
import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import { NO_OBJECTS } from '@potentia/config/testing/object-env';
import { spawnService } from '@potentia/config/testing/spawn-service';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { startRedis, type TestRedis } from '@potentia/db/testing/redis';
import { seedWorkspace } from '@potentia/db/testing/seed';
import {
  seedCalendar,
  seedSchedule,
  type SeededCalendar,
  type SeededSchedule,
} from '@potentia/db/testing/seed-calendar';
import { expandSeries } from '@potentia/domain/calendar/rules/expand';
import type { Series } from '@potentia/domain/calendar/rules/series';
import { viewSchedules } from '@potentia/domain/calendar/view-schedules';
import { personCtx } from '@potentia/domain/platform/testing/person';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
let database: TestDatabase;
let redis: TestRedis;
beforeAll(async () => {
  [database, redis] = await Promise.all([createTestDatabase(), startRedis({ args: ['--appendonly', 'yes'] })]);
});
afterAll(async () => {
  await redis.stop();
  await database.drop();
});

const start = () =>
  spawnService({
    main,
    env: {
      DATABASE_URL: database.job_url,
      REDIS_URL: redis.url,
      APP_DATABASE_URL: database.app_url,
      ENCRYPTION_KEYS: `test:${Buffer.alloc(32).toString('base64')}`,
      ...GATEWAY_SECRETS,
      ...NO_OBJECTS,
      NODE_ENV: 'test',
    },
  });

/** As many as may have rows of their own, who read the owner's until then; one of them. */
async function seedSubscribers({ workspace_id, calendar_id, user_id }: SeededCalendar): Promise<string> {
  const [row] = await database.asOwner<{ id: string }>(
    `with people as (
       insert into app.users (id, email) select gen_random_uuid(), gen_random_uuid() || '@example.test' from generate_series(2, 200) returning id
     ), members as (
       insert into app.workspace_members (workspace_id, user_id, role) select $1, id, 'member' from people
     )
     insert into app.calendar_subscriptions (workspace_id, calendar_id, user_id, role, affects_busy, instances_of, created_by)
     select $1, $2, id, 'viewer', false, $3, $3 from people returning user_id as id`,
    [workspace_id, calendar_id, user_id],
  );
  return row!.id;
}

const MONTH = { from: '2026-05-01T00:00:00.000Z', to: '2026-06-01T00:00:00.000Z' };

/** What somebody sees of a month is what the series says at that moment, whatever the jobs are doing. */
async function expectView({ schedule_id }: SeededSchedule, user_id: string): Promise<void> {
  const read = async () => {
    const text = 'select app.series_json(s) as series, s.sequence from app.schedules s where s.id = $1';
    return (await database.asOwner<{ series: Series; sequence: number }>(text, [schedule_id]))[0]!;
  };
  const before = await read();
  const { json } = await viewSchedules(personCtx(database.db, user_id), { ...MONTH, limit: 500 });
  if ((await read()).sequence !== before.sequence) return;
  const { items } = JSON.parse(json) as { items: { starts_at: string }[] };
  const window = { from: Date.parse(MONTH.from), to: Date.parse(MONTH.to) };
  expect(items.map(({ starts_at }) => Date.parse(starts_at))).toEqual(
    expandSeries(before.series, window).map(({ starts_at }) => starts_at),
  );
}

/** How far the expansion is: how many rows there are, and which transactions wrote them. */
async function look({ schedule_id }: SeededSchedule) {
  const [row] = await database.asOwner<{ rows: number; is_open: boolean; writers: string[] }>(
    `select (select count(*)::int from app.schedule_instances i where i.schedule_id = s.id) as rows,
       s.materialised_until > '-infinity' as is_open,
       array(select distinct i.xmin::text from app.schedule_instances i where i.schedule_id = s.id order by 1) as writers
     from app.schedules s where s.id = $1`,
    [schedule_id],
  );
  return row!;
}

async function expectWhole({ schedule_id }: SeededSchedule): Promise<void> {
  const [schedule] = await database.asOwner<{ series: Series; from: string; until: string }>(
    `select app.series_json(s) as series, s.materialised_from::text as from, s.materialised_until::text as until
     from app.schedules s where s.id = $1`,
    [schedule_id],
  );
  const { series, from, until } = schedule!;
  const wanted = expandSeries(series, { from: Date.parse(from), to: Date.parse(until) });
  expect(wanted.length).toBeGreaterThan(1_900);
  const differing = await database.asOwner(
    `with wanted as (select * from unnest($2::timestamptz[], $3::timestamptz[]) w (starts_at, ends_at)),
       readers as (select r.id from app.schedules s cross join lateral app.list_readers(s.workspace_id, s.calendar_id, s.id) r (id) where s.id = $1)
     select * from (select r.id, w.starts_at, w.ends_at from readers r cross join wanted w) x
     full join (select i.user_id, i.starts_at, i.ends_at from app.schedule_instances i where i.schedule_id = $1) i
       on i.user_id = x.id and i.starts_at = x.starts_at and i.ends_at = x.ends_at
     where i.user_id is null or x.id is null limit 3`,
    [
      schedule_id,
      wanted.map(({ starts_at }) => new Date(starts_at).toISOString()),
      wanted.map(({ ends_at }) => new Date(ends_at).toISOString()),
    ],
  );
  expect(differing).toEqual([]);
  expect((await look({ schedule_id } as SeededSchedule)).rows).toBe(wanted.length * 200);
}

async function seedBusySchedule() {
  const calendar = await seedCalendar(database.db, await seedWorkspace(database.db));
  const subscriber = await seedSubscribers(calendar);
  const schedule = await seedSchedule(database.db, calendar, {
    starts_local: '2026-03-02T08:00:00',
    time_zone: 'Europe/Berlin',
    rrule: 'FREQ=DAILY;BYHOUR=8,12,16,20;BYMINUTE=0;BYSECOND=0',
  });
  const request = 'select app.request_instances($1, $2, null, null)';
  await database.asOwner(request, [calendar.workspace_id, schedule.schedule_id]);
  const expectViews = () => Promise.all([calendar.user_id, subscriber].map((user_id) => expectView(schedule, user_id)));
  return { schedule, expectViews };
}

test('kill -9 in the middle of an expansion, twice: views are right all the time, no row is written twice, and in the end none is missing, doubled or stale', async () => {
  const { schedule, expectViews } = await seedBusySchedule();
  const killBeyond = async (count: number): Promise<number> => {
    await using service = await start();
    await vi.waitFor(async () => expect((await look(schedule)).rows).toBeGreaterThan(count), {
      timeout: 30_000,
      interval: 1,
    });
    await service.kill();
    await expectViews();
    // Postgres may still be at a chunk.
    await vi.waitFor(async () => expect(await isIdle()).toBe(true), { timeout: 10_000, interval: 10 });
    const { rows, is_open } = await look(schedule);
    expect(is_open).toBe(false);
    await expectViews();
    return rows;
  };
  const first = await killBeyond(0);
  const { writers } = await look(schedule);
  const second = await killBeyond(first);
  expect(second).toBeGreaterThan(first);

  await using _third = await start();
  // Not within a wait, which would pass over a view that is wrong for a while.
  while (!(await look(schedule)).is_open) await expectViews();
  await expectWhole(schedule);
  await expectViews();
  expect((await look(schedule)).writers).toEqual(expect.arrayContaining(writers));
}, 120_000);

test('two processes, and an edit in the middle of the expansion: views are right all the time, and in the end every row is of the new version', async () => {
  const { schedule, expectViews } = await seedBusySchedule();
  await using _one = await start();
  await using _two = await start();
  await vi.waitFor(async () => expect((await look(schedule)).rows).toBeGreaterThan(0), {
    timeout: 30_000,
    interval: 1,
  });
  await database.asOwner(
    `with moved as (update app.schedules set sequence = sequence + 1, materialised_from = '-infinity', materialised_until = '-infinity', starts_local = starts_local + interval '30 minutes', rrule = replace(rrule, 'BYMINUTE=0', 'BYMINUTE=30')
       where id = $1 returning *)
     select app.next_calendar_seq(m.workspace_id, m.calendar_id), app.request_instances(m.workspace_id, m.id, null, null) from moved m`,
    [schedule.schedule_id],
  );
  while (!(await look(schedule)).is_open) await expectViews();
  await expectWhole(schedule);
  await expectViews();
}, 120_000);

const isIdle = async (): Promise<boolean> =>
  (
    await database.asOwner(
      `select from pg_stat_activity where datname = current_database() and usename = 'job_user' and state <> 'idle'`,
    )
  ).length === 0;
