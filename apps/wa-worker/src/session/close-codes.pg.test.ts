import { randomBytes, randomUUID } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import { takeLease } from '@potentia/db/wa/state-queries';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { linkSession, startWorker, startWorkerWorld, untilReconnected, untilStatus } from '../testing/worker.ts';

const world = await startWorkerWorld();
const worker = await startWorker(world);
afterAll(async () => {
  await worker.stop();
  await world[Symbol.asyncDispose]();
});

const { faults } = world.whatsapp;
const statuses = async (session_id: string) =>
  (await world.events(session_id)).map(({ status, reason }) => [status, reason]);

describe('a session comes back', () => {
  test.each([
    [428, 'connection_lost', 428],
    [500, 'server_error', 500],
    [503, 'service_unavailable', 503],
    [515, 'restart_required', 515],
    ['tcp', 'connection_lost', 428],
  ] as const)('after %s, and says why it was away', async (code, reason, close_code) => {
    const { session_id, phone } = await linkSession(world, worker);
    const before = worker.held(session_id)!.sock;
    faults.closeWith(phone.number, code);
    await untilReconnected(worker, session_id, before);
    await worker.held(session_id)!.state.log.durable();
    expect((await world.events(session_id)).slice(-2)).toMatchObject([
      { status: 'connecting', reason, close_code },
      { status: 'connected', reason: null, close_code: null },
    ]);
  });

  test('after a login that was refused for a moment', async () => {
    const { session_id, phone } = await linkSession(world, worker);
    faults.closeWith(phone.number, 503, 'next_login');
    faults.closeWith(phone.number, 428);
    await vi.waitFor(
      async () => expect(await statuses(session_id)).toContainEqual(['connecting', 'service_unavailable']),
      {
        timeout: 5_000,
      },
    );
    await untilStatus(world, session_id, 'connected');
  });
});

describe('a session stops, says why, and keeps its keys,', () => {
  test.each([
    [403, 'banned', 'forbidden'],
    [405, 'failed', 'client_too_old'],
    [411, 'failed', 'multi_device_missing'],
  ] as const)('after %i', async (code, status, reason) => {
    const { session_id, phone } = await linkSession(world, worker);
    faults.closeWith(phone.number, code, 'next_login');
    faults.closeWith(phone.number, 428);
    const row = await untilStatus(world, session_id, status, reason);
    expect(row).toMatchObject({ close_code: code });
    expect(row.creds).not.toBeNull();
    expect(worker.held(session_id)?.sock).toBeNull();
    // Told to, it tries again.
    await worker.send({ method: 'PUT', session_id, generation: 1, body: {} });
    await untilStatus(world, session_id, 'connected');
  });
});

test('a session that the phone unlinks stops and forgets its keys; it can be linked anew', async () => {
  const { session_id, phone } = await linkSession(world, worker);
  phone.unlink();
  const row = await untilStatus(world, session_id, 'logged_out', 'logged_out');
  expect(row).toMatchObject({ creds: null, close_code: 401, linked_at: null });
  const keys = await world.database.asOwner('select from wa.signal_keys where session_id = $1', [session_id]);
  expect(keys).toEqual([]);
  expect(await linkSession(world, worker, { session_id })).toMatchObject({ session_id });
});

test('429 is waited out for long', async () => {
  const { session_id, phone } = await linkSession(world, worker);
  faults.closeWith(phone.number, 429, 'next_login');
  faults.closeWith(phone.number, 428);
  await untilStatus(world, session_id, 'connecting', 'too_many_requests');
});

describe('a session that was replaced (440)', () => {
  test('comes back where this worker is the owner, later each time, until it is a quarrel', async () => {
    await using hasty = await startWorker(world, { timings: { backoff_ms: 2 } });
    const { session_id, phone } = await linkSession(world, hasty);
    for (let time = 1; time <= 5; time++) {
      const before = hasty.held(session_id)!.sock;
      faults.closeWith(phone.number, 440);
      await untilReconnected(hasty, session_id, before);
    }
    faults.closeWith(phone.number, 440);
    expect(await untilStatus(world, session_id, 'replaced', 'replaced')).toMatchObject({ close_code: 440 });
    expect(hasty.held(session_id)?.sock).toBeNull();
  });

  test('is dropped without a word where another worker holds it', async () => {
    const { session_id, phone } = await linkSession(world, worker, {});
    const before = await world.events(session_id);
    const other = { session_id, worker_id: randomUUID(), generation: 2 };
    await takeLease(worker.context.db, other, 15_000, null);
    faults.closeWith(phone.number, 440);
    await vi.waitFor(() => expect(worker.held(session_id)).toBeUndefined(), { timeout: 5_000 });
    expect(await world.events(session_id)).toEqual(before);
    expect(await world.row(session_id)).toMatchObject({ worker_id: other.worker_id });
  });

  test('two workers do not put each other out: the later decision has it, the other lets go', async () => {
    await using other = await startWorker(world);
    const { session_id, phone } = await linkSession(world, worker);
    await other.send({ method: 'PUT', session_id, generation: 2, body: {} });
    await vi.waitFor(() => expect(worker.held(session_id)).toBeUndefined(), { timeout: 5_000 });
    await vi.waitFor(() => expect(other.held(session_id)?.status).toBe('connected'), { timeout: 5_000 });
    const { sock } = other.held(session_id)!;
    expect(phone.devices()).toMatchObject([{ is_connected: true }]);
    const stale = await worker.send({ method: 'PUT', session_id, generation: 1, body: {} });
    expect(stale).toMatchObject({ status: 409, body: { code: 'worker.generation_stale' } });
    expect(other.held(session_id)?.sock).toBe(sock);
  });
});

describe('what goes wrong within the client ends its socket, and nothing else:', () => {
  test.each([
    [
      'a frame that cannot be read',
      (ws: EventEmitter) => ws.emit('message', Buffer.from([0, 0, 20, ...randomBytes(20)])),
    ],
    ['a socket that fails', (ws: EventEmitter) => ws.emit('error', new Error('broken'))],
  ])('%s', async (_what, breakIt) => {
    const { session_id } = await linkSession(world, worker);
    const { session_id: neighbour } = await linkSession(world, worker);
    const [before, other] = [worker.held(session_id)!.sock, worker.held(neighbour)!.sock];
    breakIt(before!.ws);
    await untilReconnected(worker, session_id, before);
    expect(worker.held(neighbour)?.sock).toBe(other);
  });

  test('a handler that rejects, of which nobody takes note', async () => {
    const { session_id } = await linkSession(world, worker);
    const { sock } = worker.held(session_id)!;
    const rejects = (() => Promise.reject(new Error('nobody waits for this'))) as unknown as () => void;
    sock!.ws.on('CB:anything', rejects);
    sock!.ev.on('chats.update', rejects);
    sock!.ws.emit('CB:anything', {});
    sock!.ev.emit('chats.update', []);
    await sock!.query({ tag: 'iq', attrs: { to: '@s.whatsapp.net', type: 'get', xmlns: 'w:p' } });
    expect(worker.held(session_id)?.sock).toBe(sock);
  });
});

describe('a socket that is open and deaf is made anew', () => {
  test('when pings get no answer', async () => {
    await using watchful = await startWorker(world, { timings: { ping_ms: 100, ping_timeout_ms: 100 } });
    const { session_id, phone } = await linkSession(world, watchful);
    const before = watchful.held(session_id)!.sock;
    faults.closeWith(phone.number, 'silent');
    await untilReconnected(watchful, session_id, before);
    expect(await watchful.context.health.registry.metrics()).toMatch(/deaf_sockets_total\{[^}]*sign="ping"[^}]*\} 1/);
  });

  test('when messages get no acknowledgement though pings do', async () => {
    await using watchful = await startWorker(world, { timings: { ping_ms: 50, ack_timeout_ms: 200 } });
    const { session_id, phone } = await linkSession(world, watchful);
    const friend = world.whatsapp.addPhone();
    const held = watchful.held(session_id)!;
    const before = held.sock;
    const write = async () => {
      const sent = await held.sock!.sendMessage(`${friend.number}@s.whatsapp.net`, { text: 'Hello' });
      held.expectAck(sent!.key.id!);
    };
    await write();
    await friend.waitFor(({ text }) => text === 'Hello');
    await new Promise((resolve) => held.sock!.ws.once('CB:iq', resolve));
    expect(held.sock).toBe(before);
    faults.dropAcks(phone.number, true);
    await write();
    await untilReconnected(watchful, session_id, before);
    faults.dropAcks(phone.number, false);
  });
});
