import { randomUUID } from 'node:crypto';
import { startFaultProxy } from '@potentia/db/testing/fault-proxy';
import { createDb } from '@potentia/db/client';
import { commitLog } from '@potentia/db/wa/state-queries';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startStates, type TestStates } from '../testing/state.ts';
import { LogEndedError } from './session-log.ts';
import { openSessionState } from './session-state.ts';

let t: TestStates;
beforeAll(async () => {
  t = await startStates();
});
afterAll(() => t[Symbol.asyncDispose]());

const keysOf = (session_id: string) =>
  t.database.asOwner<{ type: string; id: string }>(
    'select type, id from wa.signal_keys where session_id = $1 order by type, id',
    [session_id],
  );

test('what is appended is durable, the last of what changed twice, and what was deleted is gone', async () => {
  const { log, session_id } = await t.open();
  void log.append({ keys: { session: { a: { n: 1 }, b: { n: 1 } } } });
  void log.append({ keys: { session: { a: null, b: { n: 2 } }, 'pre-key': { 1: { n: 3 } } } });
  await log.durable();
  expect(log.waiting).toBe(0);
  expect(await keysOf(session_id)).toEqual([
    { type: 'pre-key', id: '1' },
    { type: 'session', id: 'b' },
  ]);
  expect(await t.read(session_id, 'session', 'b')).toEqual({ n: 2 });
});

test('whoever lost the lease writes nothing more, and is told', async () => {
  const first = await t.open();
  first.createCreds();
  await first.log.append({ creds: true, keys: { session: { a: { n: 1 } } } });
  const second = await t.open({ session_id: first.session_id, generation: 2 });
  const ends: string[] = [];
  first.log.onEnd((end) => ends.push(end));
  const late = first.log.append({ keys: { session: { a: { n: 666 } } }, creds: true });
  await expect(late).rejects.toBeInstanceOf(LogEndedError);
  await expect(first.log.append({ session: { status: 'connected' } })).rejects.toThrow();
  expect(ends).toEqual(['lease_lost']);
  expect(await second.keys.get('session', ['a'])).toEqual({ a: { n: 1 } });
});

test('a lower generation never takes the lease, and the same one only by the same worker', async () => {
  const { session_id, worker_id } = await t.open({ generation: 5 });
  await expect(t.open({ session_id, generation: 4 })).rejects.toThrow('Another worker holds this session');
  await expect(t.open({ session_id, generation: 5 })).rejects.toThrow('Another worker holds this session');
  await expect(t.open({ session_id, worker_id, generation: 5 })).resolves.toBeDefined();
});

test('of two openings by one worker only the later one writes', async () => {
  const early = await t.open();
  const { session_id, worker_id, generation } = early;
  const late = await t.open({ session_id, worker_id, generation });
  await expect(early.log.append({ keys: { session: { a: { n: 1 } } } })).rejects.toBeInstanceOf(LogEndedError);
  await late.log.append({ keys: { session: { a: { n: 2 } } } });
  expect(await late.keys.get('session', ['a'])).toEqual({ a: { n: 2 } });
});

test('a group that arrives a second time, after what followed it, changes nothing', async () => {
  const holder = { session_id: randomUUID(), worker_id: randomUUID(), generation: 1 };
  const state = await openSessionState(t.ctx, holder, null);
  const [row] = await t.database.asOwner<{ log_epoch: string }>(
    'select log_epoch from wa.sessions where session_id = $1',
    [holder.session_id],
  );
  const group = (position: number, n: number) => ({
    ...{ epoch: Number(row!.log_epoch), position, types: ['session'], ids: ['a'], creds: null, kid: 'k1', batch: {} },
    values: [t.ctx.sealer.seal({ n }, holder.session_id, 'session', 'a')],
  });
  await commitLog(t.db, holder, group(1, 1));
  await commitLog(t.db, holder, group(2, 2));
  await commitLog(t.db, holder, group(1, 1));
  expect(await state.keys.get('session', ['a'])).toEqual({ a: { n: 2 } });
});

test('Postgres away for a moment delays a group and loses none; away for too long ends the log', async () => {
  await using proxy = await startFaultProxy({
    target_host: '127.0.0.1',
    target_port: Number(new URL(t.database.wa_url).port),
  });
  const url = proxy.url(t.database.wa_url);
  const db = createDb({ url, pool_size: 2, timeout_ms: 500, prepare: true, application_name: 'test' });
  const holder = { session_id: randomUUID(), worker_id: randomUUID(), generation: 1 };
  const state = await openSessionState({ ...t.ctx, db, patience_ms: 60_000 }, holder, null);
  proxy.refuse();
  const written = state.log.append({ keys: { session: { a: { n: 1 } } } });
  await expect.poll(() => proxy.refused()).toBeGreaterThan(2);
  expect(state.log.waiting).toBe(1);
  proxy.heal();
  await written;
  state.createCreds();
  state.saveCreds();
  await state.log.durable();

  const impatient = await openSessionState({ ...t.ctx, db, patience_ms: 1 }, { ...holder, generation: 2 }, null);
  proxy.refuse();
  await expect(impatient.log.append({ keys: { session: { a: null } } })).rejects.toBeInstanceOf(LogEndedError);
  expect(impatient.log.ended).toBe('unavailable');
  proxy.heal();
  expect(await t.read(holder.session_id, 'session', 'a')).toEqual({ n: 1 });
  await db.end();
});

test('nothing of a key or of the credentials can be read in the tables', async () => {
  const state = await t.open();
  state.createCreds();
  const secret = Buffer.from(state.creds!.noiseKey.private);
  state.saveCreds();
  await state.log.append({ keys: { session: { a: { word: 'unmistakable', bytes: secret } } } });
  const [row] = await t.database.asOwner<{ hex: string }>(
    `select encode(s.creds || k.value, 'hex') as hex from wa.sessions s join wa.signal_keys k using (session_id) where session_id = $1`,
    [state.session_id],
  );
  const bytes = Buffer.from(row!.hex, 'hex');
  for (const known of [Buffer.from('unmistakable'), Buffer.from(secret), Buffer.from(secret.toString('base64'))])
    expect(bytes.includes(known)).toBe(false);
});
