import { randomUUID } from 'node:crypto';
import { startFaultProxy } from '@potentia/db/testing/fault-proxy';
import { takeLease } from '@potentia/db/wa/state-queries';
import { afterAll, expect, test, vi } from 'vitest';
import { createPieces } from '../app.ts';
import { linkSession, startWorker, startWorkerWorld, untilStatus } from '../testing/worker.ts';
import type { SessionPart } from './parts.ts';

const world = await startWorkerWorld();
const worker = await startWorker(world);
afterAll(async () => {
  await worker.stop();
  await world[Symbol.asyncDispose]();
});

/** The API decides for another worker. */
const decideAnew = async (session_id: string) => {
  const other = { session_id, worker_id: randomUUID(), generation: 2 };
  await takeLease(worker.context.db, other, 15_000, null);
  return other;
};

test('leases are renewed for as long as sessions are held, and free when they are released', async () => {
  const { session_id, phone } = await linkSession(world, worker);
  const until = async () =>
    (
      await world.database.asOwner<{ at: Date | null }>(
        'select lease_until as at from wa.sessions where session_id = $1',
        [session_id],
      )
    )[0]?.at;
  const first = await until();
  await vi.waitFor(async () => expect((await until())?.getTime()).toBeGreaterThan(first!.getTime()), {
    timeout: 5_000,
  });

  const released = await worker.send({ method: 'POST', session_id, generation: 1, path: '/release' });
  expect(released.status).toBe(200);
  expect(await world.row(session_id)).toMatchObject({ worker_id: null, status: 'connected' });
  expect(await until()).toBeNull();
  expect(worker.held(session_id)).toBeUndefined();
  await vi.waitFor(() => expect(phone.devices()).toMatchObject([{ is_connected: false }]));
});

test('a session that another worker has taken is noticed, closed and not written to', async () => {
  const { session_id, phone } = await linkSession(world, worker);
  const held = worker.held(session_id)!;
  const other = await decideAnew(session_id);
  await vi.waitFor(() => expect(worker.held(session_id)).toBeUndefined(), { timeout: 5_000 });
  expect(held).toMatchObject({ sock: null, is_sending: false });
  await vi.waitFor(() => expect(phone.devices()).toMatchObject([{ is_connected: false }]));
  await expect(held.state.log.append({ session: { status: 'failed' } })).rejects.toThrow();
  expect(await world.row(session_id)).toMatchObject({ worker_id: other.worker_id, status: 'connected' });
});

test('what a session wants to write is refused as soon as another worker has it', async () => {
  await using patient = await startWorker(world, { timings: { renew_ms: 60_000 } });
  const { session_id, phone } = await linkSession(world, patient);
  const { state } = patient.held(session_id)!;
  await decideAnew(session_id);
  await expect(state.log.append({ session: { status: 'failed', reason: 'late' } })).rejects.toThrow();
  expect(patient.held(session_id)).toBeUndefined();
  await vi.waitFor(() => expect(phone.devices()).toMatchObject([{ is_connected: false }]));
  expect(await world.row(session_id)).toMatchObject({ status: 'connected' });
});

test('a session that the API calls another worker’s goes with the beat, unless it was placed here anew', async () => {
  const { session_id } = await linkSession(world, worker);
  const { session_id: kept } = await linkSession(world, worker);
  world.api.lost.push(session_id);
  await vi.waitFor(() => expect(worker.held(session_id)).toBeUndefined(), { timeout: 5_000 });
  expect(worker.held(kept)?.status).toBe('connected');
});

test('one that has ended by itself is let go of when the API says that it is nobody’s', async () => {
  const { session_id, phone } = await linkSession(world, worker);
  phone.unlink();
  await untilStatus(world, session_id, 'logged_out');
  world.api.lost.push(session_id);
  await vi.waitFor(() => expect(worker.held(session_id)).toBeUndefined(), { timeout: 5_000 });
  expect(await world.row(session_id)).toMatchObject({ status: 'logged_out', worker_id: null });
});

test('while nobody can say whether the leases hold, nothing is sent and no socket is open; then all is as before', async () => {
  const { hostname, port } = new URL(world.database.wa_url);
  await using proxy = await startFaultProxy({ target_host: hostname, target_port: Number(port) });
  await using cautious = await startWorker(world, {
    env: { DATABASE_URL: proxy.url(world.database.wa_url), DATABASE_TIMEOUT_MS: '500' },
    timings: { stop_sending_ms: 1_500, renew_ms: 100 },
  });
  const { session_id, phone } = await linkSession(world, cautious);
  const held = cautious.held(session_id)!;
  await vi.waitFor(() => expect(held.is_sending).toBe(true), { timeout: 5_000 });
  proxy.refuse();
  await vi.waitFor(() => expect(held.is_sending).toBe(false), { timeout: 5_000 });
  await vi.waitFor(() => expect(phone.devices()).toMatchObject([{ is_connected: false }]), { timeout: 5_000 });
  expect(cautious.held(session_id)).toBe(held);
  proxy.heal();
  await vi.waitFor(() => expect(held.is_sending).toBe(true), { timeout: 15_000 });
  await untilStatus(world, session_id, 'connected');
});

test('parts settle before the socket of a session that is given up closes, and not when it was lost', async () => {
  const calls: string[] = [];
  const part: SessionPart = {
    name: 'witness',
    onSocket: () => void calls.push('socket'),
    onOpen: () => void calls.push('open'),
    onCaughtUp: () => void calls.push('caught up'),
    onClosed: ({ sock }) => void calls.push(sock ? 'closed too early' : 'closed'),
    onDropped: () => void calls.push('dropped'),
    stop: async ({ sock, is_sending }) => {
      calls.push(sock && !is_sending ? 'stop' : 'stop too late');
      await Promise.resolve();
    },
  };
  const faulty: SessionPart = {
    name: 'faulty',
    onOpen() {
      throw new Error('a part that throws');
    },
    stop: () => new Promise(() => undefined),
  };
  await using own = await startWorker(world, {
    timings: { settle_ms: 100 },
    pieces: (context) => ({ ...createPieces(context), parts: [faulty, part] }),
  });
  const first = await linkSession(world, own);
  await vi.waitFor(() => expect(calls).toContain('caught up'));
  await own.send({ method: 'POST', session_id: first.session_id, generation: 1, path: '/release' });
  // The first socket is that of the linking.
  expect(calls.splice(0)).toEqual(['socket', 'closed', 'socket', 'open', 'caught up', 'stop', 'closed', 'dropped']);
  expect(own.output()).toContain('a part of a session failed');

  const second = await linkSession(world, own);
  calls.length = 0;
  await decideAnew(second.session_id);
  await vi.waitFor(() => expect(calls).toContain('dropped'), { timeout: 5_000 });
  expect(calls.filter((call) => call !== 'caught up')).toEqual(['closed', 'dropped']);
});
