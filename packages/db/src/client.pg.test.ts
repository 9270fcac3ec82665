import fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createDb, type Db, type DbOptions } from './client.ts';
import { withContext } from './context.ts';
import { DbUnavailableError } from './errors.ts';
import { createTestDatabase, type TestDatabase } from './testing/database.ts';
import { startFaultProxy, type FaultProxy } from './testing/fault-proxy.ts';
import { seedCanvas, seedUser } from './testing/seed.ts';

let t: TestDatabase;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());

const open = (overrides: Partial<DbOptions> = {}): Db & AsyncDisposable => {
  const db = createDb({
    url: t.app_url,
    pool_size: 8,
    timeout_ms: 500,
    prepare: true,
    application_name: 'test',
    ...overrides,
  });
  return { ...db, [Symbol.asyncDispose]: () => db.end() };
};

const proxied = (): Promise<FaultProxy> => {
  const { hostname, port } = new URL(t.app_url);
  return startFaultProxy({ target_host: hostname, target_port: Number(port || 5432) });
};

const timed = async (work: Promise<unknown>): Promise<{ error: unknown; ms: number }> => {
  const began = performance.now();
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { error, ms: performance.now() - began };
};

test('times come as ISO 8601 text with their microseconds, counters as numbers, JSON parsed, JSON text as it is', async () => {
  const [row] = await t.db.call(
    `select '2026-11-20 10:00:00.123456+01'::timestamptz as at, 9007199254740991::bigint as big, '{"a": [1]}'::jsonb as jb,
       '{"a":1}'::json as j, '{"b": 2}'::jsonb::text as json_text, array['00000000-0000-0000-0000-00000000000a']::uuid[] as ids`,
  );
  expect(row).toEqual({
    at: '2026-11-20T09:00:00.123456Z',
    big: 9007199254740991,
    jb: { a: [1] },
    j: { a: 1 },
    json_text: '{"b": 2}',
    ids: ['00000000-0000-0000-0000-00000000000a'],
  });
});

test('whatever JSON goes in as a parameter comes out the same', async () => {
  const json = fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue()));
  await fc.assert(
    fc.asyncProperty(json, async (value) => {
      const text = JSON.stringify(value);
      fc.pre(!text.includes('\\u0000'));
      const [row] = await t.db.call<{ a: unknown; b: unknown }>('select $1::jsonb as a, $2::jsonb as b', [value, text]);
      expect(row).toEqual({ a: JSON.parse(text), b: JSON.parse(text) });
    }),
    { numRuns: 50 },
  );
});

test('lists of UUIDs and of texts go in as they are', async () => {
  const ids = ['00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-00000000000b'];
  expect(await t.db.call('select $1::uuid[] as ids', [ids])).toEqual([{ ids }]);
  expect(await t.db.call('select to_jsonb($1::text[]) as texts', [['a,b', '"q"', '\\', '', '{}', 'null']])).toEqual([
    { texts: ['a,b', '"q"', '\\', '', '{}', 'null'] },
  ]);
  expect(await t.db.call('select $1::uuid[] as ids', [[]])).toEqual([{ ids: [] }]);
});

test('lists of local times, instants, numbers and booleans go in as they are, and times come out as text', async () => {
  const [local, at] = ['2026-03-02T09:00:00', '2026-03-02T09:00:00.5Z'];
  expect(
    await t.db.call('select $1::timestamp[] as locals, $2::timestamptz[] as instants, $3::timestamp as local', [
      [local, '2026-03-02'],
      [at, '-infinity', null],
      local,
    ]),
  ).toEqual([{ locals: [local, '2026-03-02T00:00:00'], instants: [at, '-infinity', null], local }]);
  expect(await t.db.call('select $1::timestamp[] as locals', [[]])).toEqual([{ locals: [] }]);
  expect(
    await t.db.call(
      'select to_jsonb($1::int[]) as ints, to_jsonb($2::bigint[]) as bigs, to_jsonb($3::bool[]) as bools',
      [[1, -2], [9007199254740991], [true, false, null]],
    ),
  ).toEqual([{ ints: [1, -2], bigs: [9007199254740991], bools: [true, false, null] }]);
});

test('bad values are invalid input, never an internal error', async () => {
  const bad: [string, unknown[]][] = [
    ['select $1::uuid', ['not-a-uuid']],
    ['select $1::text', ['a\u0000b']],
    ['select $1::jsonb', [{ text: 'a\u0000b' }]],
    ['select $1::jsonb', ['{broken']],
    ['select $1::int', [99999999999]],
    ['select $1::timestamptz', ['yesterday-ish']],
    ['select app.report_health($1)', [{ service: null }]],
  ];
  for (const [text, params] of bad) {
    await expect(t.db.call(text, params), text).rejects.toMatchObject({ name: 'DbError', kind: 'invalid' });
  }
});

test('a duplicate is a conflict that does not tell of what', async () => {
  const user = await seedUser(t.db);
  const insert = withContext(t.db, { user_id: user.user_id, workspace_id: user.personal_workspace_id }, (tx) =>
    tx.call('insert into app.workspaces (id, name, owner_user_id) values ($1, $2, $3)', [
      user.personal_workspace_id,
      'twice',
      user.user_id,
    ]),
  );
  await expect(insert).rejects.toMatchObject({ kind: 'conflict', code: 'db.duplicate', meta: {} });
});

test('a broken statement stays what it is: a bug', async () => {
  await expect(t.db.call('select nothing from nowhere')).rejects.toMatchObject({
    name: 'PostgresError',
    code: '42P01',
  });
});

test('a known statement takes one round trip, also with parameters', async () => {
  await using proxy = await proxied();
  await using db = open({ url: proxy.url(t.app_url), pool_size: 1, timeout_ms: 5_000 });
  const ask = () => db.call('select app.get_canvas_role($1, $2) as role', [crypto.randomUUID(), crypto.randomUUID()]);
  await ask();
  proxy.reset_flights();
  await ask();
  expect(proxy.flights()).toBe(1);
  await Promise.all([ask(), ask(), ask()]);
  expect(proxy.flights()).toBe(4);
});

test('unprepared statements work too, in two', async () => {
  await using proxy = await proxied();
  await using db = open({ url: proxy.url(t.app_url), pool_size: 1, timeout_ms: 5_000, prepare: false });
  await db.call('select $1::int as n', [1]);
  proxy.reset_flights();
  expect(await db.call('select $1::int as n', [2])).toEqual([{ n: 2 }]);
  expect(proxy.flights()).toBe(2);
});

test('nobody waits behind a statement that waits for a lock', async () => {
  await using db = open({ pool_size: 2, timeout_ms: 5_000 });
  await using holder = open({ pool_size: 1, timeout_ms: 5_000 });
  const canvas = await seedCanvas(t.db);
  const lock = 'select 1 from app.canvases where id = $1 for update';
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  let locked = (): void => undefined;
  const has_lock = new Promise<void>((resolve) => (locked = resolve));
  const holding = withContext(holder, canvas, async (tx) => {
    await tx.call(lock, [canvas.canvas_id]);
    locked();
    await held;
  });
  // Who cannot take the lock is heard here, not when the test runs out of time.
  await Promise.race([has_lock, holding]);
  const waiting = withContext(db, canvas, (tx) => tx.call(lock, [canvas.canvas_id]));
  const others = await Promise.all(Array.from({ length: 20 }, () => timed(db.call('select 1'))));
  // One that waited would still wait, or have met its deadline: the lock is held until all are back.
  expect(others.filter(({ error }) => error)).toEqual([]);
  release();
  await Promise.all([holding, waiting]);
});

test('a slow statement ends at its deadline, and the others go on', async () => {
  await using db = open();
  const slow = timed(db.call('select pg_sleep(20)'));
  const rest = Promise.all(Array.from({ length: 30 }, () => db.call('select 1 as ok')));
  expect(await rest).toHaveLength(30);
  const { error, ms } = await slow;
  expect(error).toMatchObject({ name: 'DbUnavailableError', reason: 'deadline' });
  expect(ms).toBeLessThan(900);
  expect(await db.call('select 1 as ok')).toEqual([{ ok: 1 }]);
});

test('whoever finds no free connection within the deadline is told so, and nothing else is harmed', async () => {
  await using db = open({ pool_size: 1, timeout_ms: 2_000 });
  const slow = db.call('select pg_sleep(0.6)');
  const { error } = await timed(db.call('select 1', [], { timeout_ms: 100 }));
  expect(error).toMatchObject({ reason: 'pool' });
  await slow;
  expect(await db.call('select 1 as ok')).toEqual([{ ok: 1 }]);
});

test('Postgres swallowed by the network: every call fails within the deadline; healed, 8 of 8 at once succeed', async () => {
  await using proxy = await proxied();
  await using db = open({ url: proxy.url(t.app_url) });
  const user = await seedUser(t.db);
  const eight = () => Array.from({ length: 8 }, () => timed(db.call('select 1')));
  const transactions = () => Array.from({ length: 8 }, () => timed(withContext(db, user, (tx) => tx.call('select 1'))));
  await Promise.all(eight());
  proxy.blackhole();
  for (let round = 0; round < 3; round++) {
    for (const { error, ms } of await Promise.all([...eight(), ...transactions()])) {
      expect(error).toBeInstanceOf(DbUnavailableError);
      expect(ms).toBeLessThan(1_200);
    }
  }
  proxy.heal();
  expect((await Promise.all(eight())).filter(({ error }) => error)).toEqual([]);
  expect((await Promise.all(transactions())).filter(({ error }) => error)).toEqual([]);
});

test('connections that died while idle do not fail the calls after the outage', async () => {
  await using proxy = await proxied();
  await using db = open({ url: proxy.url(t.app_url) });
  await Promise.all(Array.from({ length: 8 }, () => db.call('select pg_sleep(0.05)')));
  proxy.blackhole();
  // One call notices; the other seven connections were idle all the while.
  await expect(db.call('select 1')).rejects.toBeInstanceOf(DbUnavailableError);
  proxy.heal();
  const calls = await Promise.allSettled(Array.from({ length: 8 }, () => db.call('select 1')));
  expect(calls.map((call) => call.status)).toEqual(Array(8).fill('fulfilled'));
});

test('refused connections fail at once, and work again when they may', async () => {
  await using proxy = await proxied();
  await using db = open({ url: proxy.url(t.app_url) });
  proxy.refuse();
  const refused = await Promise.all(Array.from({ length: 20 }, () => timed(db.call('select 1'))));
  for (const { error, ms } of refused) {
    expect(error).toBeInstanceOf(DbUnavailableError);
    expect(ms).toBeLessThan(1_200);
  }
  proxy.heal();
  const calls = await Promise.allSettled(Array.from({ length: 8 }, () => db.call('select 1')));
  expect(calls.map((call) => call.status)).toEqual(Array(8).fill('fulfilled'));
});

test('after all connections were reset at once, the pool is whole again', async () => {
  await using proxy = await proxied();
  await using db = open({ url: proxy.url(t.app_url) });
  await Promise.all(Array.from({ length: 8 }, () => db.call('select pg_sleep(0.02)')));
  const flying = Array.from({ length: 8 }, () => timed(db.call('select pg_sleep(0.3)')));
  proxy.cut();
  for (const { error } of await Promise.all(flying))
    expect(error === undefined || error instanceof DbUnavailableError).toBe(true);
  await vi.waitFor(async () => {
    await Promise.all(Array.from({ length: 8 }, () => db.call('select 1')));
  });
});

test('a backend that was terminated by an operator is an outage, not a bug', async () => {
  await using db = open({ pool_size: 1 });
  const [row] = await db.call<{ pid: number }>('select pg_backend_pid() as pid');
  const sleeping = timed(db.call('select pg_sleep(0.4)'));
  await vi.waitFor(async () => {
    const [busy] = await t.asOwner<{ state: string }>('select state from pg_stat_activity where pid = $1', [row!.pid]);
    expect(busy?.state).toBe('active');
  });
  await t.asOwner('select pg_terminate_backend($1)', [row!.pid]);
  expect((await sleeping).error).toBeInstanceOf(DbUnavailableError);
  expect(await db.call('select 1 as ok')).toEqual([{ ok: 1 }]);
});

test('end waits for what is under way and refuses what comes after', async () => {
  const db = open({ timeout_ms: 5_000 });
  const running = db.call('select pg_sleep(0.1), 7 as n');
  const ended = db.end();
  await expect(db.call('select 1')).rejects.toMatchObject({ reason: 'ended' });
  expect(await running).toMatchObject([{ n: 7 }]);
  await ended;
  const open_still = 'select 1 from pg_stat_activity where pid <> pg_backend_pid() and query like $1';
  // The server's side of a closed connection ends a moment later.
  await vi.waitFor(async () => expect(await t.asOwner(open_still, ['%7 as n%'])).toEqual([]));
});
