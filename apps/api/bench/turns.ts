import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import { NO_OBJECTS } from '@potentia/config/testing/object-env';
import { startFaultProxy } from '@potentia/db/testing/fault-proxy';
import { indexMessages } from '@potentia/domain/chat/index-subjects';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { person, type Person, startApi } from '../src/testing/api.ts';
import { listen } from '../src/testing/turns.ts';

/*
 * What the house itself adds to a turn: time to the first word beyond the judge and the specialist, which here take 400 ms each, with 50
 * turns at a time of people with 1,000 messages each. The API, the model and this generator share two cores where `taskset` is there;
 * Postgres has the rest. Three ways: everybody asks again as soon as they are answered, so that 50 turns are under way all the time;
 * 50 turns that begin within a second; and all 50 in the same moment, which is how long a queue takes that nobody expects. Then
 * the statements before the first word.
 *   node apps/api/bench/turns.ts
 */
const CALL_MS = 400;
const PEOPLE = 50;
const MESSAGES = 1_000;
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 8);
/** Rounds that are not counted: so long the compiler is at work. */
const WARM_UP = 3;
/** Turns of each that are not counted when everybody asks again at once: until then they come in waves. */
const SETTLING = 4;
const TARGET_MS = 60;
const MAX_STATEMENTS = 12;

const TOPICS = [
  'garden',
  'bicycle',
  'taxes',
  'holiday in Lombok',
  'guitar',
  'cooking rendang',
  'the new office',
  'running',
];
const WORDS = 'bought repaired planned forgot liked measured painted called asked sold borrowed finished'.split(' ');
const sentence = (n: number): string =>
  `On day ${n} I ${WORDS[n % 12]} something for the ${TOPICS[Math.floor(n / 20) % 8]}, number ${(n * 7919) % 997}.`;

async function main(): Promise<void> {
  await using backends = await startBackends();
  const people = await seedPeople(backends);
  const model = await start('./fake-model.ts', { CALL_MS: String(CALL_MS) });
  const model_env = (JSON.parse(model.line) as { env: Record<string, string> }).env;
  const api = await start('../src/main.ts', environment(backends, model_env));
  const url = /"url":"(http[^"]+)"/.exec(api.line)?.[1] ?? '';
  try {
    for (let round = 0; round < WARM_UP; round += 1) await spread(url, people, 1_000);
    await measure('50 turns at a time, each after the last', url, () => again(url, people));
    await measure('50 turns, begun within a second', url, () => rounds(() => spread(url, people, 1_000)));
    await measure('50 turns in the same moment', url, () => rounds(() => spread(url, people, 0)));
    await reportOwn(url);
    await reportStatements(backends, model_env, people[0] as Person);
  } finally {
    api.child.kill();
    model.child.kill();
  }
}

/** One way of asking: how long the first word took beyond the model, and what a turn took of the API's processor, all in all. */
async function measure(name: string, url: string, ask: () => Promise<Asked>): Promise<void> {
  const before = await metric(url, 'process_cpu_seconds_total');
  const { overheads, turns } = await ask();
  const cpu_ms = (1000 * ((await metric(url, 'process_cpu_seconds_total')) - before)) / turns;
  const sorted = overheads.toSorted((a, b) => a - b);
  const at = (part: number): string => (sorted[Math.floor(sorted.length * part)] ?? NaN).toFixed(1);
  console.log(
    `${name}: beyond ${2 * CALL_MS} ms of model p50 ${at(0.5)} ms, p95 ${at(0.95)} ms (target: p50 ${TARGET_MS} ms); ` +
      `CPU of the API ${cpu_ms.toFixed(1)} ms a turn`,
  );
}

async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1]);
}

interface Asked {
  overheads: number[];
  /** With those that are not counted. */
  turns: number;
}

async function rounds(ask: () => Promise<number[]>): Promise<Asked> {
  const overheads: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) overheads.push(...(await ask()));
  return { overheads, turns: overheads.length };
}

/** What the API itself measured. */
async function reportOwn(url: string): Promise<void> {
  const name = 'potentia_turn_overhead_seconds';
  const mean_ms = (1000 * (await metric(url, `${name}_sum`))) / (await metric(url, `${name}_count`));
  console.log(`by its own clock, all turns: mean ${mean_ms.toFixed(1)} ms`);
}

async function reportStatements(backends: Backends, model_env: Record<string, string>, who: Person): Promise<void> {
  const database = new URL(backends.database.app_url);
  await using proxy = await startFaultProxy({ target_host: database.hostname, target_port: Number(database.port) });
  await using api = await startApi(backends, {
    ...model_env,
    DATABASE_URL: proxy.url(backends.database.app_url),
    DATABASE_POOL_SIZE: '1',
  });
  const url = await listen(api);
  let statements = 0;
  for (let turn = 0; turn < 3; turn += 1) {
    await api.context.db.ping();
    proxy.reset_flights();
    await firstWord(url, who, () => (statements = proxy.flights()));
  }
  console.log(`statements before the first word: ${statements} (target: at most ${MAX_STATEMENTS})`);
}

/** One turn of each, begun within `ms`; how long each took to its first word beyond the model, in milliseconds. */
async function spread(url: string, people: Person[], ms: number): Promise<number[]> {
  return Promise.all(
    people.map(async (who, n) => {
      if (ms > 0) await sleep((n * ms) / people.length);
      return (await firstWord(url, who)) - 2 * CALL_MS;
    }),
  );
}

/** Turns of each, one after the other. The first ones are not counted: everybody began them in the same moment. */
async function again(url: string, people: Person[]): Promise<Asked> {
  const all = await Promise.all(
    people.map(async (who) => {
      const overheads: number[] = [];
      for (let round = 0; round < ROUNDS + SETTLING; round += 1)
        overheads.push((await firstWord(url, who)) - 2 * CALL_MS);
      return overheads.slice(SETTLING);
    }),
  );
  return { overheads: all.flat(), turns: PEOPLE * (ROUNDS + SETTLING) };
}

/** Milliseconds from the request to its first word; resolves when the turn is over. */
function firstWord(url: string, who: Person, onFirst?: () => void): Promise<number> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const n = Math.floor(Math.random() * MESSAGES);
    const body = JSON.stringify({
      content: `What did I say about the ${TOPICS[n % 8]} and number ${(n * 7919) % 997}?`,
    });
    const headers = {
      authorization: `Bearer ${who.token}`,
      accept: 'text/event-stream',
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    };
    const outgoing = request(`${url}/api/v1/chat/turns`, { method: 'POST', headers }, (incoming) => {
      let text = '';
      let first = NaN;
      incoming.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (!Number.isNaN(first) || !text.includes('event: delta')) return;
        first = performance.now() - began;
        onFirst?.();
      });
      incoming.on('end', () => (text.includes('event: done') ? resolve(first) : reject(new Error(text))));
    });
    outgoing.on('error', reject).end(body);
  });
}

async function seedPeople(backends: Backends): Promise<Person[]> {
  const began = performance.now();
  const claims = { exp: Math.floor(Date.now() / 1000) + 86_400 };
  const people = await Promise.all(Array.from({ length: PEOPLE }, () => person(backends.issuer, claims)));
  await using api = await startApi(backends);
  for (const who of people) {
    await api.call(who, 'GET', '/api/v1/me');
    const messages = Array.from({ length: MESSAGES }, (_, n) => ({
      external_id: String(n),
      role: n % 2 ? 'assistant' : 'user',
      content: sentence(n),
      created_at: new Date(Date.UTC(2026, 0, 1) + n * 600_000).toISOString(),
      context_external_id: String(Math.floor(n / 100)),
    }));
    const { status, text } = await api.call(who, 'POST', '/api/v1/chat/messages/import', { source: 'bench', messages });
    if (status >= 300) throw new Error(text);
  }
  const ids = await backends.database.asOwner<{ id: string }>('select id from app.chat_messages');
  await indexMessages(
    backends.database.job_db,
    ids.map(({ id }) => id),
  );
  await backends.database.asOwner('delete from app.embedding_queue');
  await backends.database.asOwner('analyze');
  console.log(
    `${PEOPLE} people with ${MESSAGES} messages each, in ${((performance.now() - began) / 1000).toFixed(0)} s`,
  );
  return people;
}

const environment = ({ database, redis, issuer }: Backends, model: Record<string, string>): Record<string, string> => ({
  PORT: '0',
  LOG_LEVEL: 'info',
  DATABASE_URL: database.app_url,
  REDIS_URL: redis.url,
  SUPABASE_URL: issuer.url,
  SUPABASE_ANON_KEY: 'anon',
  SUPABASE_SERVICE_ROLE_KEY: 'service',
  ENCRYPTION_KEYS: `bench:${Buffer.alloc(32).toString('base64')}`,
  ...GATEWAY_SECRETS,
  IP_RATE_LIMIT: '100000',
  RATE_LIMITS: '[{"limit":1000000,"window_ms":60000}]',
  ...NO_OBJECTS,
  ...model,
  ...(JSON.parse(process.env['BENCH_ENV'] ?? '{}') as Record<string, string>),
});

function start(script: string, env: Record<string, string>): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, [script], {
    cwd: import.meta.dirname,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.once('exit', () => child.kill());
  return new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error(`${script} did not start`)));
    child.stdout.on('data', (chunk: Buffer) => {
      const line = String(chunk)
        .split('\n')
        .find((text) => text.includes('"url":"http') || text.includes('"url": "http'));
      if (line) resolve({ child, line });
    });
  });
}

if (process.env['BENCH_PINNED'] === undefined && spawnSync('taskset', ['-V']).status === 0) {
  const env = { ...process.env, BENCH_PINNED: '1' };
  const args = ['-c', '0,1', process.execPath, import.meta.filename];
  process.exit(spawnSync('taskset', args, { env, stdio: 'inherit' }).status ?? 1);
}
await main();
