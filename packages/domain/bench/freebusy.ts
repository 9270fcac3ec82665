/*
 * Free/busy of 10 people over two weeks, by 16 clients in one Node process: `readFreebusy` with Redis warm and stamps checked,
 * beside a plain MGET of the same bytes, which checks nothing; both again with every interval made of the bytes; and from
 * Postgres alone. Of 100 people with 10 calendars each, of which three affect them: 980,000 instances. Somebody else asks each time.
 * Interleaved, the order reversed each round, median of 7 rounds. Needs TEST_POSTGRES_URL, and `redis-server` on PATH.
 *   node packages/domain/bench/freebusy.ts
 */
import { createLogger } from '@potentia/config/logger';
import { createDb } from '@potentia/db/client';
import { readFreebusyStamps } from '@potentia/db/calendar/freebusy-queries';
import { createTestDatabase } from '@potentia/db/testing/database';
import { startRedis } from '@potentia/db/testing/redis';
import { Registry } from 'prom-client';
import { createRedisBusyCache } from '../src/calendar/adapters/redis-busy-cache.ts';
import type { BusyCache, BusyCtx } from '../src/calendar/busy-cache.ts';
import { readFreebusy } from '../src/calendar/read-freebusy.ts';
import { printBusy } from '../src/calendar/rules/busy-text.ts';
import { createRedis, pingRedis } from '../src/platform/adapters/redis.ts';
import { personCtx } from '../src/platform/testing/person.ts';
import { fillBusyPeople } from './busy-people.ts';

const ROUNDS = 7;
const CLIENTS = 16;
const ASKED = 10;
/** Milliseconds that each contestant runs in each round. */
const RUN_MS = 1_000;
const FROM = '2026-03-03T00:00:00Z';
const TO = '2026-03-17T00:00:00Z';

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;

/** Requests per second of 16 who each ask again as soon as they are answered. */
async function load(ask: (n: number) => Promise<unknown>, ms = RUN_MS): Promise<number> {
  let asked = 0;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (performance.now() - began < ms) await ask(asked++);
    }),
  );
  return asked / ((performance.now() - began) / 1_000);
}

await using t = await createTestDatabase();
await using server = await startRedis();
const ids = await fillBusyPeople(t);
const log = createLogger({ service: 'bench', level: 'warn' });
const redis = createRedis({ url: server.url, timeout_ms: 1_000, role: 'command', log });
await pingRedis(redis, 5_000);
const db = createDb({ url: t.app_url, pool_size: 10, timeout_ms: 5_000, prepare: true, application_name: 'bench' });
const busy = createRedisBusyCache({ redis, timeout_ms: 1_000, registry: new Registry(), log });
const nothing: BusyCache = { read: () => null, write: () => Promise.resolve(), count: () => undefined };
/** Somebody else asks each time. */
const [warm, cold] = [busy, nothing].map((cache) => ids.map((id): BusyCtx => ({ ...personCtx(db, id), busy: cache })));
const by = (contexts: BusyCtx[] | undefined, n: number): BusyCtx => contexts![(n * 13) % contexts!.length]!;
/** Ten who follow each other, another ten each time. */
const tens = ids.map((_, n) => Array.from({ length: ASKED }, (__, i) => ids[(n + i) % ids.length]!));
const ten = (n: number): string[] => tens[(n * 7) % tens.length]!;

for (const user_ids of tens) await readFreebusy(by(warm, 0), { user_ids, from: FROM, to: TO });
await new Promise((resolve) => setTimeout(resolve, 300));
const sample = await readFreebusy(by(warm, 0), { user_ids: ten(0), from: FROM, to: TO });

// The same bytes as strings: one for each person and week.
const first = Math.floor((Date.parse(FROM) - 4 * 86_400_000) / (7 * 86_400_000));
const keys = new Map<string, string[]>();
for (const id of ids) {
  const members = await redis.zrangebyscore(`fb:{${id}}`, first, first + 2);
  if (members.length !== 3) throw new Error(`not warm: ${members.length} weeks`);
  const own = members.map((_, i) => `bytes:${id}:${i}`);
  await Promise.all(members.map((member, i) => redis.set(own[i]!, member)));
  keys.set(id, own);
}
const mgets = tens.map((user_ids) => user_ids.flatMap((id) => keys.get(id)!));
const bytes = (await redis.mget(mgets[0]!)).join('').length;
const window = { from: Date.parse(FROM), to: Date.parse(TO) };
const asked = (n: number) => ({ user_ids: ten(n), from: FROM, to: TO });
const mget = (n: number): Promise<(string | null)[]> => redis.mget(mgets[(n * 7) % mgets.length]!);
const unpackAll = (members: (string | null)[]): void => {
  for (const member of members)
    printBusy([{ week: first, packed: member!.slice(member!.lastIndexOf(':') + 1) }], window);
};

const LOOKED_AT = 'readFreebusy, every interval looked at';
const contestants: Record<string, (n: number) => Promise<unknown>> = {
  MGET: mget,
  readFreebusy: (n) => readFreebusy(by(warm, n), asked(n)),
  'MGET, every interval looked at': async (n) => unpackAll(await mget(n)),
  [LOOKED_AT]: async (n) => (await readFreebusy(by(warm, n), asked(n))).people.map((person) => person.busy),
  'the stamps alone': (n) =>
    readFreebusyStamps(db, { user_ids: ten(n).map(() => ids[n % ids.length]!), person_ids: ten(n) }),
  'the sets alone': async (n) => busy.read([{ user_ids: ten(n), first, last: first + 2 }]),
  'Postgres alone': (n) => readFreebusy(by(cold, n), asked(n)),
};
const rates: Record<string, number[]> = {};
const names = Object.keys(contestants);
for (let round = 0; round <= ROUNDS; round++) {
  for (const name of round % 2 ? names : names.toReversed()) {
    const rate = await load(contestants[name]!);
    if (round > 0) (rates[name] ??= []).push(rate);
  }
}
const ratio = (name: string, to: string): number =>
  median((rates[name] ?? []).map((rate, round) => rate / (rates[to]?.[round] ?? NaN)));

const intervals = sample.people.reduce((sum, { busy: spans }) => sum + spans.length, 0);
console.log(`${ASKED} people, two weeks: ${bytes} bytes, ${intervals} intervals`);
console.table(
  Object.fromEntries(
    names.map((name) => [
      name,
      { 'requests/s': Math.round(median(rates[name] ?? [])), 'of MGET': ratio(name, 'MGET').toFixed(2) },
    ]),
  ),
);
// Wanted: at least 0.6 of an MGET, where both come to the same intervals: what costs is mostly the number of items that are made in
// Node. Beside it an MGET whose bytes nobody looks at, which no stamp can be checked as fast as.
console.log(
  `readFreebusy of MGET, both made into intervals: ${ratio(LOOKED_AT, 'MGET, every interval looked at').toFixed(2)}`,
);
console.log(`readFreebusy of MGET, neither looked at: ${ratio('readFreebusy', 'MGET').toFixed(2)}`);
redis.disconnect();
await db.end();
