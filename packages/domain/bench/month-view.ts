/*
 * What a month of somebody's calendars costs: 620 occurrences of 20 daily series among 7.3 million instances, of a thousand
 * people in turn, against the bare SELECT of the same rows through the same client. End to end is from the call to the JSON
 * text of the answer; server is the CPU of the Postgres backend, making what it sends included, and beside it what EXPLAIN
 * ANALYZE says, which leaves that out. Interleaved, median of 7 rounds; needs TEST_POSTGRES_URL and half a minute to fill.
 *   node packages/domain/bench/month-view.ts
 */
import { fillInstances } from './many-instances.ts';
import { compare, median, ratio } from '../../db/bench/measure.ts';
import { createDb, type Db } from '@potentia/db/client';
import { createTestDatabase } from '@potentia/db/testing/database';
import { viewSchedules } from '../src/calendar/view-schedules.ts';
import { personCtx } from '../src/platform/testing/person.ts';

const WINDOW = { from: '2026-05-01T00:00:00Z', to: '2026-06-01T00:00:00Z' };
const WHERE = 'from app.schedule_instances where user_id = $1 and starts_at >= $2 and starts_at < $3';
const BARE = `select calendar_id, schedule_id, recurrence_id, starts_at, ends_at, is_override ${WHERE}`;
// What the index holds, so that the table is not read.
const INDEX_ONLY = `select schedule_id, recurrence_id, starts_at, ends_at ${WHERE}`;

await using t = await createTestDatabase();
console.log('filled, in ms:', await fillInstances(t));
const people = await t.asOwner<{ id: string }>(
  `select bench_id('user', i * 7 % 1000) as id from generate_series(0, 999) i`,
);
const person = (n: number): string => people[n % people.length]?.id ?? '';

const open = (url: string): Db =>
  createDb({ url, pool_size: 1, timeout_ms: 60_000, prepare: true, application_name: 'bench' });
const [view_db, bare_db, index_db] = [open(t.app_url), open(t.superuser_url), open(t.superuser_url)];
const ctxs = people.map(({ id }) => personCtx(view_db, id));
const pidOf = async (db: Db): Promise<number> =>
  (await db.call<{ pid: number }>('select pg_backend_pid() as pid'))[0]?.pid ?? 0;

const costs = await compare(
  {
    view: {
      pid: await pidOf(view_db),
      call: (n) => viewSchedules(ctxs[n % ctxs.length]!, { ...WINDOW, limit: 5_000 }),
    },
    bare: { pid: await pidOf(bare_db), call: (n) => bare_db.call(BARE, [person(n), WINDOW.from, WINDOW.to]) },
    index: { pid: await pidOf(index_db), call: (n) => index_db.call(INDEX_ONLY, [person(n), WINDOW.from, WINDOW.to]) },
  },
  { rounds: 7, calls: 1_000 },
);
const { json } = await viewSchedules(personCtx(view_db, person(0)), { ...WINDOW, limit: 5_000 });
console.log(`${(JSON.parse(json) as { items: unknown[] }).items.length} occurrences, ${json.length} bytes of JSON`);
const print = (name: string, key: 'wall_us' | 'server_us'): void => {
  const of = (who: keyof typeof costs): string =>
    median(costs[who].map((cost) => cost[key]))
      .toFixed(0)
      .padStart(5);
  console.log(
    `${name.padEnd(14)} view ${of('view')} us, bare ${of('bare')} us: ${ratio(costs.view, costs.bare, key).toFixed(2)}; ` +
      `bare by the index alone ${of('index')} us: ${ratio(costs.view, costs.index, key).toFixed(2)}`,
  );
};
print('end to end', 'wall_us');
print('server, CPU', 'server_us');

const explained = async (db: Db, text: string, params: unknown[]): Promise<number> => {
  const [row] = await db.call<{ 'QUERY PLAN': string }>(text, params).then((rows) => rows.slice(-1));
  return Number(/Execution Time: ([\d.]+)/.exec(row?.['QUERY PLAN'] ?? '')?.[1]);
};
const times: Record<'view' | 'bare', number[]> = { view: [], bare: [] };
for (let n = 0; n < 101; n++) {
  const id = person(n);
  const call = `app.view_schedules($1, $2, $3, null, null, false, null, 20000, 1000)`;
  times.view.push(await explained(view_db, `explain analyze select * from ${call}`, [id, WINDOW.from, WINDOW.to]));
  times.bare.push(await explained(bare_db, `explain analyze ${BARE}`, [id, WINDOW.from, WINDOW.to]));
}
const [viewed, bare] = [median(times.view), median(times.bare)];
console.log(`server, EXPLAIN view ${viewed.toFixed(2)} ms, bare ${bare.toFixed(2)} ms: ${(viewed / bare).toFixed(2)}`);
await Promise.all([view_db, bare_db, index_db].map((db) => db.end()));
