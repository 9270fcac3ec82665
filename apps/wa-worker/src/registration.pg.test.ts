import { randomUUID } from 'node:crypto';
import { afterAll, expect, test, vi } from 'vitest';
import { linkSession, startWorker, startWorkerWorld } from './testing/worker.ts';

const world = await startWorkerWorld();
afterAll(() => world[Symbol.asyncDispose]());

const beatsOf = (worker_id: string) => world.api.beats.filter((beat) => beat.worker_id === worker_id);

test('a worker registers with where it is, and says with each beat what it holds and how busy it is', async () => {
  await using worker = await startWorker(world, { env: { WORKER_CAPACITY: '33' } });
  const worker_id = await worker.worker_id();
  expect(world.api.registered.find((known) => known.worker_id === worker_id)).toMatchObject({
    url: worker.url,
    capacity: 33,
  });
  const { session_id } = await linkSession(world, worker, { generation: 4 });
  await vi.waitFor(() => {
    expect(beatsOf(worker_id).at(-1)).toMatchObject({
      status: 'alive',
      sessions: 1,
      held: [{ session_id, generation: 4, status: 'connected' }],
      load: {
        rss_bytes: expect.any(Number),
        cpu: expect.any(Number) as number,
        event_loop_lag_ms: expect.any(Number),
        messages_per_second: expect.any(Number),
      },
    });
  });
});

test('the address that the API reaches it at can be another than it listens on', async () => {
  await using worker = await startWorker(world, { env: { WORKER_PUBLIC_URL: 'http://worker-7.internal:80/' } });
  const worker_id = await worker.worker_id();
  expect(world.api.registered.find((known) => known.worker_id === worker_id)?.url).toBe('http://worker-7.internal:80');
});

test('a worker that the API has forgotten registers again, and its sessions stay', async () => {
  await using worker = await startWorker(world);
  const worker_id = await worker.worker_id();
  const { session_id } = await linkSession(world, worker);
  const { sock } = worker.held(session_id)!;
  world.api.forget();
  await vi.waitFor(() => {
    const names = world.api.registered.filter(({ url }) => url === worker.url);
    expect(names).toHaveLength(2);
    expect(beatsOf(names[1]!.worker_id).at(-1)?.held).toMatchObject([{ session_id }]);
  });
  expect(worker_id).toBe(worker.held(session_id)?.worker_id);
  expect(worker.held(session_id)).toMatchObject({ sock, status: 'connected' });
});

test('a worker whose name another process takes again and again leaves it to that one for a while', async () => {
  await using worker = await startWorker(world);
  await worker.worker_id();
  const registrations = () => world.api.registered.filter(({ url }) => url === worker.url).length;
  for (let time = 2; time <= 4; time++) {
    world.api.forget();
    await vi.waitFor(() => expect(registrations()).toBe(time), { timeout: 5_000 });
  }
  world.api.forget();
  await vi.waitFor(() => expect(worker.output()).toContain('under the same name'), { timeout: 5_000 });
  const put = { method: 'PUT', session_id: randomUUID(), generation: 1, body: {} };
  expect(await worker.send(put)).toMatchObject({ status: 503, body: { code: 'worker.not_registered' } });
  expect(registrations()).toBe(4);
});

test('while the API is away sessions go on, and beats with it when it is back', async () => {
  await using worker = await startWorker(world);
  const worker_id = await worker.worker_id();
  const { session_id } = await linkSession(world, worker);
  world.api.is_away = true;
  await vi.waitFor(() => expect(worker.output()).toContain('the API does not take beats'), { timeout: 5_000 });
  expect(worker.held(session_id)?.status).toBe('connected');
  const before = beatsOf(worker_id).length;
  world.api.is_away = false;
  await vi.waitFor(() => expect(beatsOf(worker_id).length).toBeGreaterThan(before), { timeout: 10_000 });
});

test('a worker that stops tells the API first, gives its sessions up in order, and takes none meanwhile', async () => {
  const worker = await startWorker(world);
  const worker_id = await worker.worker_id();
  const first = await linkSession(world, worker);
  const second = await linkSession(world, worker);
  const stopped = worker.stop();
  await vi.waitFor(() => expect(worker.app.sessions.is_draining).toBe(true));
  const refused = worker.app.sessions.hold(worker_id, {
    ...{ session_id: first.session_id, generation: 9, settings: {}, login: null, version: null },
  });
  await expect(refused).rejects.toMatchObject({ code: 'worker.draining' });
  await stopped;
  // The first that it says of that is while it still has them.
  expect(beatsOf(worker_id).find(({ status }) => status === 'draining')).toMatchObject({ sessions: 2 });
  expect(beatsOf(worker_id).at(-1)).toMatchObject({ status: 'draining', held: [], sessions: 0 });
  for (const { session_id, phone } of [first, second]) {
    expect(await world.row(session_id)).toMatchObject({ worker_id: null, lease_until: null });
    expect(phone.devices()).toMatchObject([{ is_connected: false }]);
  }
});
