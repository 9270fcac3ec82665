import { randomBytes } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { startStates } from '../testing/state.ts';
import { linkSession, startWorker, startWorkerWorld, untilStatus } from '../testing/worker.ts';
import { createKeySealer } from './key-sealer.ts';
import { rotateKeys } from './rotate-keys.ts';

test('what an older key sealed is sealed anew, and a value that changed meanwhile is left as it is', async () => {
  await using own = await startStates();
  const state = await own.open();
  state.createCreds();
  const keys = Object.fromEntries(Array.from({ length: 1_200 }, (_, n) => [`${n}`, { n }]));
  await state.log.append({ creds: true, keys: { 'pre-key': keys } });
  const rotated = createKeySealer([{ kid: 'k2', key: randomBytes(32) }, own.keys[0]]);
  const [count] = await Promise.all([
    rotateKeys(own.db, rotated),
    state.log.append({ keys: { 'pre-key': { 7: { n: 'changed' } } } }),
  ]);
  expect(count).toBeGreaterThanOrEqual(1_200);
  await rotateKeys(own.db, rotated);
  const left = await own.database.asOwner(`select from wa.signal_keys where kid <> 'k2'`);
  expect(left).toEqual([]);
  const renewed = createKeySealer([{ kid: 'k2', key: randomBytes(32) }]);
  const [row] = await own.database.asOwner<{ value: string; kid: string }>(
    `select encode(value, 'base64') as value, kid from wa.signal_keys where id = '7'`,
  );
  expect(rotated.open(row!.value, row!.kid, state.session_id, 'pre-key', '7')).toEqual({ n: 'changed' });
  expect(() => renewed.open(row!.value, row!.kid, state.session_id, 'pre-key', '7')).toThrow();
});

test('what does not open is left as it is, and keeps nothing else from being sealed anew', async () => {
  await using own = await startStates();
  const [damaged, foreign, good] = [await own.open(), await own.open(), await own.open()];
  for (const state of [damaged, foreign, good]) await state.log.append({ keys: { session: { a: { n: 1 } } } });
  const of = (state: typeof good): unknown[] => [state.session_id];
  await own.database.asOwner(`update wa.signal_keys set value = '\\x00' where session_id = $1`, of(damaged));
  await own.database.asOwner(`update wa.signal_keys set kid = 'lost' where session_id = $1`, of(foreign));
  const rotated = createKeySealer([{ kid: 'k2', key: randomBytes(32) }, own.keys[0]]);
  expect(await rotateKeys(own.db, rotated)).toBe(1);
  const kids = await own.database.asOwner<{ session_id: string; kid: string }>(
    'select session_id, kid from wa.signal_keys',
  );
  expect(Object.fromEntries(kids.map(({ session_id, kid }) => [session_id, kid]))).toEqual({
    [damaged.session_id]: 'k1',
    [foreign.session_id]: 'lost',
    [good.session_id]: 'k2',
  });
});

test('what somebody else is writing is not waited for', async () => {
  await using own = await startStates();
  const [busy, free] = [await own.open(), await own.open()];
  for (const state of [busy, free]) await state.log.append({ keys: { session: { a: { n: 1 } } } });
  const rotated = createKeySealer([{ kid: 'k2', key: randomBytes(32) }, own.keys[0]]);
  await own.database.asOwner('begin');
  await own.database.asOwner('select from wa.signal_keys where session_id = $1 for update', [busy.session_id]);
  expect(await rotateKeys(own.db, rotated)).toBe(1);
  await own.database.asOwner('commit');
  expect(await rotateKeys(own.db, rotated)).toBe(1);
});

test('a worker that starts with a new key in front takes the old one out of use, and its sessions log in without it', async () => {
  await using world = await startWorkerWorld();
  const old_key = world.env['ENCRYPTION_KEYS']!;
  const new_key = `k2:${randomBytes(32).toString('base64')}`;
  const first = await startWorker(world);
  const { session_id } = await linkSession(world, first);
  await first.stop();
  const sealed = async () => {
    const text = `select distinct kid from (select kid from wa.signal_keys union all
      select kid from wa.sessions where creds is not null) x order by kid`;
    return (await world.database.asOwner<{ kid: string }>(text)).map(({ kid }) => kid);
  };
  expect(await sealed()).toEqual(['k1']);
  const second = await startWorker(world, { env: { ENCRYPTION_KEYS: `${new_key},${old_key}` } });
  await vi.waitFor(async () => expect(await sealed()).toEqual(['k2']), { timeout: 20_000, interval: 100 });
  await second.stop();
  await using third = await startWorker(world, { env: { ENCRYPTION_KEYS: new_key } });
  await third.send({ method: 'PUT', session_id, generation: 2, body: { settings: {}, login: null } });
  await untilStatus(world, session_id, 'connected');
});
