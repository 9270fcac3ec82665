/*
 * Materialising a daily schedule for a year and 200 subscribers: 73,000 rows through the statements of the job (what is to be
 * expanded, the chunks, opening the window), against COPY of the same rows in the same order into the same table with the same indexes.
 * Beside it the job run again when all is there, an edit that moves every occurrence, and the form of large calendars: one row for all.
 * Each run has a schedule of its own, the readers are the same, so the indexes grow as they do in use. Interleaved, median of 7 rounds.
 * Needs TEST_POSTGRES_URL.
 *   node packages/db/bench/materialise.ts
 */
import { once } from 'node:events';
import postgres from 'postgres';
import {
  finishInstances,
  readExpansion,
  writeInstances,
  type InstanceColumns,
} from '../src/calendar/instance-queries.ts';
import { createDb } from '../src/client.ts';
import { createTestDatabase } from '../src/testing/database.ts';
import { seedCalendar, seedSchedule, type SeededCalendar } from '../src/testing/seed-calendar.ts';
import { median } from './measure.ts';

const ROUNDS = 7;
const SUBSCRIBERS = 200;
const DAYS = 365;
const CHUNK_ROWS = 50_000;
const START = Date.UTC(2026, 2, 2, 9);
const DAY_MS = 86_400_000;

await using t = await createTestDatabase();
const db = createDb({ url: t.job_url, pool_size: 1, timeout_ms: 10_000, prepare: true, application_name: 'bench' });
const bare = postgres(t.superuser_url, { max: 1, fetch_types: false, onnotice: () => undefined });
const each = await seedCalendar(t.db);
const shared = await seedCalendar(t.db, undefined, { fan_out: 'shared' });
for (const calendar of [each, shared]) await addSubscribers(calendar);
await t.asOwner('update app.calendar_subscriptions set instances_of = null where calendar_id = $1', [
  shared.calendar_id,
]);
await t.asOwner('analyze');

async function addSubscribers({ workspace_id, calendar_id, user_id }: SeededCalendar): Promise<void> {
  await t.asOwner(
    `with people as (
       insert into app.users (id, email) select gen_random_uuid(), gen_random_uuid() || '@example.test' from generate_series(2, $4::int) returning id)
     insert into app.calendar_subscriptions (workspace_id, calendar_id, user_id, role, affects_busy, instances_of, created_by)
     select $1, $2, id, 'viewer', false, id, $3 from people`,
    [workspace_id, calendar_id, user_id, SUBSCRIBERS],
  );
}

const columns = (hour_ms = 0): InstanceColumns => {
  const starts = Array.from({ length: DAYS }, (_, n) => START + n * DAY_MS);
  return {
    recurrence_ids: starts.map((at) => new Date(at).toISOString().slice(0, 19)),
    starts: starts.map((at) => new Date(at + hour_ms).toISOString()),
    ends: starts.map((at) => new Date(at + hour_ms + 3_600_000).toISOString()),
    overrides: starts.map(() => false),
  };
};
const window = {
  from: new Date(START - 90 * DAY_MS).toISOString(),
  until: new Date(START + 400 * DAY_MS).toISOString(),
};

const newSchedule = async (calendar: SeededCalendar): Promise<string> =>
  (await seedSchedule(t.db, calendar, { rrule: 'FREQ=DAILY' })).schedule_id;

/** As the job does; rows written. */
async function materialise(schedule_id: string, rows: InstanceColumns): Promise<number> {
  const found = (await readExpansion(db, schedule_id))!;
  const state = {
    schedule_id,
    sequence: found.sequence,
    since: found.materialised_until,
    fingerprint: 'bench',
    ...window,
  };
  const size = Math.floor(CHUNK_ROWS / DAYS);
  const chunks = found.is_shared ? [{ readers: [] as string[], is_shared: true }] : [];
  for (let n = 0; n < found.readers.length; n += size)
    chunks.push({ readers: found.readers.slice(n, n + size), is_shared: false });
  let count = 0;
  for (const chunk of chunks) count += (await writeInstances(db, { ...state, ...rows, ...chunk })).written;
  const { readers, is_shared } = found;
  const bounds = { first_at: rows.starts[0]!, last_at: null, tz_version: 'bench' };
  const { state: outcome } = await finishInstances(db, { ...state, readers, is_shared, ...bounds });
  if (outcome !== 'covered') throw new Error(`the window is ${outcome}`);
  return count;
}

const shut = (schedule_id: string): Promise<unknown> =>
  t.asOwner(
    `update app.schedules set materialised_from = '-infinity', materialised_until = '-infinity' where id = $1`,
    [schedule_id],
  );

/** What COPY reads, made before the clock runs: by reader and time. */
function copyText(schedule_id: string, readers: string[]): string[] {
  const { recurrence_ids, starts, ends } = columns();
  return readers.map((reader) =>
    recurrence_ids
      .map((id, n) => `${each.calendar_id}\t${schedule_id}\t${reader}\t${id}\t${starts[n]}\t${ends[n]}\tf\n`)
      .join(''),
  );
}

async function copy(texts: string[]): Promise<number> {
  const stream =
    await bare`copy app.schedule_instances (calendar_id, schedule_id, user_id, recurrence_id, starts_at, ends_at, is_override)
      from stdin`.writable();
  for (const text of texts) if (!stream.write(text)) await once(stream, 'drain');
  stream.end();
  await once(stream, 'finish');
  return texts.length * DAYS;
}

type Contestant = 'copy' | 'ours' | 'again' | 'moved' | 'shared';
const times: Record<Contestant, number[]> = { copy: [], ours: [], again: [], moved: [], shared: [] };
async function time(name: Contestant, rows: number, work: () => Promise<number>, is_counted: boolean): Promise<void> {
  const began = performance.now();
  const count = await work();
  if (is_counted) times[name].push(performance.now() - began);
  if (count !== rows) throw new Error(`${name} wrote ${count} rows, not ${rows}`);
}

const all = SUBSCRIBERS * DAYS;
for (let round = 0; round <= ROUNDS; round++) {
  const [copied, ours, for_all] = [await newSchedule(each), await newSchedule(each), await newSchedule(shared)];
  const texts = copyText(copied, (await readExpansion(db, copied))!.readers);
  const contest: (() => Promise<void>)[] = [
    () => time('copy', all, () => copy(texts), round > 0),
    async () => {
      await time('ours', all, () => materialise(ours, columns()), round > 0);
      await shut(ours);
      await time('again', 0, () => materialise(ours, columns()), round > 0);
      await shut(ours);
      await time('moved', all, () => materialise(ours, columns(1_800_000)), round > 0);
    },
    () => time('shared', DAYS, () => materialise(for_all, columns()), round > 0),
  ];
  for (const run of round % 2 ? contest : contest.toReversed()) await run();
}

const ratio = (name: Contestant): string => median(times[name].map((ms, n) => ms / times.copy[n]!)).toFixed(2);
const line = (label: string, name: Contestant): void =>
  console.log(`${label.padEnd(46)} ${median(times[name]).toFixed(1)} ms, ${ratio(name)} of COPY`);
console.log(`COPY of ${DAYS} x ${SUBSCRIBERS} rows`.padEnd(47), `${median(times.copy).toFixed(1)} ms`);
line(`materialised, ${DAYS} x ${SUBSCRIBERS}`, 'ours');
line('run again, nothing to do', 'again');
line('every occurrence moved by half an hour', 'moved');
line(`one row for all, ${DAYS}`, 'shared');
const [size] = await t.asOwner<{ heap: number; indexes: number }>(
  `select pg_relation_size('app.schedule_instances')::float / count(*) as heap, pg_indexes_size('app.schedule_instances')::float / count(*) as indexes
   from app.schedule_instances`,
);
console.log(`${size!.heap.toFixed(0)} bytes a row, and ${size!.indexes.toFixed(0)} of indexes`);
await Promise.all([db.end(), bare.end()]);
