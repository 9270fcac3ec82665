import { randomUUID } from 'node:crypto';
import { createDb } from '@potentia/db/client';
import type { SignalDataSet } from '@whiskeysockets/baileys';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startStates, type TestStates } from '../testing/state.ts';
import { openSessionState } from './session-state.ts';

let t: TestStates;
beforeAll(async () => {
  t = await startStates();
});
afterAll(() => t[Symbol.asyncDispose]());

const set = (values: Record<string, object | null>) => ({ session: values }) as unknown as SignalDataSet;

test('what was set is read at once, and what is absent is left out', async () => {
  const { keys } = await t.open();
  keys.set(set({ a: { n: 1 }, b: { n: 2 } }));
  keys.set(set({ b: null }));
  expect(await keys.get('session', ['a', 'b', 'c'])).toEqual({ a: { n: 1 } });
});

test('any sequence of writes, reads, waits and openings reads what was written last', async () => {
  const id = fc.constantFrom('a', 'b', 'c', 'd');
  const command = fc.oneof(
    fc.record({ do: fc.constant('set' as const), id, value: fc.option(fc.record({ n: fc.nat() })) }),
    fc.record({ do: fc.constant('read' as const), id }),
    fc.record({ do: fc.constant('wait' as const) }),
    fc.record({ do: fc.constant('reopen' as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 40 }), async (commands) => {
      const [session_id, worker_id] = [randomUUID(), randomUUID()];
      const open = (generation: number) => t.open({ session_id, worker_id, generation });
      let generation = 1;
      let state = await open(generation);
      state.createCreds();
      state.saveCreds();
      const model = new Map<string, object>();
      for (const step of commands) {
        if (step.do === 'set') {
          state.keys.set(set({ [step.id]: step.value }));
          if (step.value) model.set(step.id, step.value);
          else model.delete(step.id);
        } else if (step.do === 'read') {
          const found = await state.keys.get('session', [step.id]);
          expect(found).toEqual(model.has(step.id) ? { [step.id]: model.get(step.id) } : {});
        } else {
          await state.log.durable();
          if (step.do === 'reopen') state = await open((generation += 1));
        }
      }
      await state.log.durable();
      const last = await open(generation + 1);
      expect(await last.keys.get('session', ['a', 'b', 'c', 'd'])).toEqual(Object.fromEntries(model));
    }),
    { numRuns: 30 },
  );
});

test('keys that are collected become part of one entry, and are seen before', async () => {
  const { keys, log, session_id } = await t.open();
  const { outcome, keys: collected } = await keys.collectKeys(async () => {
    keys.set(set({ a: { n: 1 } }));
    await Promise.resolve();
    keys.set(set({ b: { n: 2 } }));
    return 'done';
  });
  expect(outcome).toEqual({ status: 'fulfilled', value: 'done' });
  expect(log.waiting).toBe(0);
  expect(await keys.get('session', ['a', 'b'])).toEqual({ a: { n: 1 }, b: { n: 2 } });
  await log.append({ keys: collected });
  expect(await t.read(session_id, 'session', 'b')).toEqual({ n: 2 });
});

test('what work changed before it failed is collected too, and what it left running writes for itself', async () => {
  const { keys, log, session_id } = await t.open();
  const late = Promise.withResolvers<undefined>();
  let left: Promise<void> | undefined;
  const { outcome, keys: collected } = await keys.collectKeys(async () => {
    keys.set(set({ a: { n: 1 } }));
    left = late.promise.then(() => {
      keys.set(set({ b: { n: 2 } }));
    });
    return Promise.reject(new Error('no'));
  });
  expect(outcome.status).toBe('rejected');
  expect(collected).toEqual({ session: { a: { n: 1 } } });
  late.resolve(undefined);
  await left;
  await log.durable();
  expect(await t.read(session_id, 'session', 'b')).toEqual({ n: 2 });
});

test('many keys at once are one group, each read back', async () => {
  const { keys, log } = await t.open();
  const many = Object.fromEntries(Array.from({ length: 812 }, (_, n) => [`${n}`, { n }]));
  keys.set({ 'pre-key': many } as unknown as SignalDataSet);
  await log.durable();
  expect(await keys.get('pre-key', ['0', '811', '812'])).toEqual({ 0: { n: 0 }, 811: { n: 811 } });
});

test('a read that Postgres does not answer ends the session: nobody takes it for an absent key', async () => {
  const holder = { session_id: randomUUID(), worker_id: randomUUID(), generation: 1 };
  const db = createDb({ url: t.database.wa_url, pool_size: 1, timeout_ms: 500, prepare: true, application_name: 'x' });
  const state = await openSessionState({ ...t.ctx, db }, holder, null);
  await db.end();
  await expect(state.keys.get('session', ['a'])).rejects.toThrow();
  expect(state.log.ended).toBe('unavailable');
});

test('the keys of another session are not found', async () => {
  const [mine, theirs] = [await t.open(), await t.open()];
  await theirs.log.append({ keys: { session: { a: { n: 1 } } } });
  expect(await mine.keys.get('session', ['a'])).toEqual({});
});
