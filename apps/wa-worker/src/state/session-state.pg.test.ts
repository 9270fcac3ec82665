import { randomBytes } from 'node:crypto';
import { createDb } from '@potentia/db/client';
import { commitLog, type LeaseHolder } from '@potentia/db/wa/state-queries';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startStates, type TestStates } from '../testing/state.ts';
import { createKeySealer } from './key-sealer.ts';
import { openSessionState } from './session-state.ts';

let t: TestStates;
beforeAll(async () => {
  t = await startStates();
});
afterAll(() => t[Symbol.asyncDispose]());

async function paired() {
  const state = await t.open();
  state.createCreds();
  state.saveCreds();
  await state.log.append({ keys: { session: { a: { n: 1 } } } });
  return state;
}

test('credentials come back as they were saved, and are never made where there are some', async () => {
  const state = await paired();
  state.creds!.nextPreKeyId = 77;
  state.saveCreds();
  await state.log.durable();
  const again = await t.open({ session_id: state.session_id, generation: 2 });
  expect(again.creds).toEqual(state.creds);
  expect(again.creds!.noiseKey.private).toBeInstanceOf(Buffer);
  expect(() => again.createCreds()).toThrow('The session is paired already');
});

test('a session that was never paired has none, and making them is a decision', async () => {
  const state = await t.open();
  expect(state.creds).toBeNull();
  expect(state.createCreds()).toBe(state.creds);
});

test('credentials that are gone beside keys are lost, not absent', async () => {
  const { session_id } = await paired();
  await t.database.asOwner('update wa.sessions set creds = null where session_id = $1', [session_id]);
  await expect(t.open({ session_id, generation: 2 })).rejects.toThrow('The credentials are lost');
});

test('credentials that no key opens are refused, and stay', async () => {
  const { session_id, worker_id } = await paired();
  const sealer = createKeySealer([{ kid: 'k1', key: randomBytes(32) }]);
  const opening = openSessionState({ ...t.ctx, sealer }, { session_id, worker_id, generation: 2 }, null);
  await expect(opening).rejects.toThrow('sealed with a key that this worker does not have');
  expect((await t.open({ session_id, generation: 3 })).creds).not.toBeNull();
});

test('Postgres that does not answer is no absence', async () => {
  const { session_id, worker_id } = await paired();
  const db = createDb({
    ...{ url: 'postgres://wa_user:wa_user@127.0.0.1:1/x', pool_size: 1, timeout_ms: 300, prepare: true },
    application_name: 'test',
  });
  const opening = openSessionState({ ...t.ctx, db }, { session_id, worker_id, generation: 2 }, null);
  await expect(opening).rejects.toMatchObject({ code: 'platform.database_unavailable' });
  await db.end();
});

test('after a logout nothing of the device is left, and a new pairing may begin', async () => {
  const state = await paired();
  await state.forget();
  const again = await t.open({ session_id: state.session_id, generation: 2 });
  expect(again.creds).toBeNull();
  expect(await again.keys.get('session', ['a'])).toEqual({});
});

test('what was on its way into the log before a logout does not bring the device back', async () => {
  const state = await paired();
  const { asOwner } = t.database;
  const [late] = await asOwner<{ epoch: number; position: number }>(
    'select log_epoch::int as epoch, log_position::int + 1 as position from wa.sessions where session_id = $1',
    [state.session_id],
  );
  const [holder] = await asOwner<LeaseHolder>(
    'select session_id, worker_id, generation::int from wa.sessions where session_id = $1',
    [state.session_id],
  );
  const seal = (type: string, id: string) => t.ctx.sealer.seal({ n: 1 }, state.session_id, type, id);
  const keys = { types: ['session'], ids: ['a'], values: [seal('session', 'a')], creds: seal('creds', ''), kid: 'k1' };
  await state.forget();
  const written = commitLog(t.db, holder!, { ...late!, ...keys, batch: {} });
  await expect(written).rejects.toMatchObject({ code: 'lease.lost' });
  expect((await t.open({ session_id: state.session_id, generation: 2 })).creds).toBeNull();
});

test('a new key opens what the old one sealed, and a sealed value opens in its own place alone', () => {
  const [old] = t.keys;
  const rotated = createKeySealer([{ kid: 'k2', key: randomBytes(32) }, old]);
  const sealed = t.ctx.sealer.seal({ n: 1 }, 's', 'session', 'a');
  expect(rotated.kid).toBe('k2');
  expect(rotated.open(sealed, 'k1', 's', 'session', 'a')).toEqual({ n: 1 });
  for (const [kid, session_id, type, id] of [
    ['k1', 'other', 'session', 'a'],
    ['k1', 's', 'pre-key', 'a'],
    ['k1', 's', 'session', 'b'],
    ['k2', 's', 'session', 'a'],
    ['k3', 's', 'session', 'a'],
  ] as const)
    expect(() => rotated.open(sealed, kid, session_id, type, id), `${kid} ${session_id} ${type} ${id}`).toThrow();
});
