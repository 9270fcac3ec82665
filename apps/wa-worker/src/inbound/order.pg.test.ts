import type { TestEvent } from '@potentia/db/testing/inbox';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { linkSession, startWorker, startWorkerWorld, type TestWorker, type WorkerWorld } from '../testing/worker.ts';

let world: WorkerWorld;
let worker: TestWorker;
beforeAll(async () => {
  world = await startWorkerWorld();
  world.whatsapp.trust();
  worker = await startWorker(world);
}, 60_000);
afterAll(async () => {
  await worker.stop();
  await world[Symbol.asyncDispose]();
});

const told = (session_id: string) =>
  world.database.asOwner<{ payload: TestEvent }>(
    `select payload from wa.events where session_id = $1 and kind = 'message-inbound' order by seq`,
    [session_id],
  );
const untilTexts = (session_id: string, count: number) =>
  vi.waitFor(
    async () => {
      const texts = (await told(session_id)).map(({ payload }) => payload.message.content['text'] as string);
      expect(texts.length).toBeGreaterThanOrEqual(count);
      return texts;
    },
    { timeout: 12_000, interval: 30 },
  );

/** As the API says it, until it is done. */
const hold = (to: TestWorker, session_id: string, generation: number) =>
  vi.waitFor(async () => expect((await to.send({ method: 'PUT', session_id, generation })).status).toBe(200), {
    timeout: 10_000,
    interval: 50,
  });

it('the first messages of strangers are told in their order, though each has to be looked up first', async () => {
  const { session_id, phone } = await linkSession(world, worker);
  const strangers = Array.from({ length: 4 }, (_, i) => world.whatsapp.addPhone({ name: `S${i}` }));
  for (let n = 0; n < 5; n++)
    for (const [i, stranger] of strangers.entries()) await stranger.send(phone.number, `${i} ${n}`);
  const texts = await untilTexts(session_id, 20);
  for (const i of strangers.keys())
    expect(texts.filter((text) => text.startsWith(`${i} `))).toEqual([0, 1, 2, 3, 4].map((n) => `${i} ${n}`));
});

it('what waited comes before what is new', async () => {
  const { session_id, phone } = await linkSession(world, worker);
  const anna = world.whatsapp.addPhone({ name: 'Anna' });
  await worker.send({ method: 'POST', session_id, generation: 1, path: '/disconnect' });
  for (let n = 0; n < 60; n++) await anna.send(phone.number, `${n}`);
  await hold(worker, session_id, 2);
  await untilTexts(session_id, 1);
  for (let n = 60; n < 80; n++) await anna.send(phone.number, `${n}`);
  expect(await untilTexts(session_id, 80)).toEqual(Array.from({ length: 80 }, (_, n) => String(n)));
});

it('writing and being written to at once by the same person breaks neither', async () => {
  const { session_id, phone } = await linkSession(world, worker);
  const anna = world.whatsapp.addPhone({ name: 'Anna' });
  await anna.send(phone.number, 'first');
  await untilTexts(session_id, 1);
  const sock = worker.held(session_id)!.sock!;
  const outward = Array.from({ length: 40 }, (_, n) =>
    sock.sendMessage(`${anna.number}@s.whatsapp.net`, { text: `out ${n}` }),
  );
  const inward = (async () => {
    for (let n = 0; n < 40; n++) await anna.send(phone.number, `in ${n}`);
  })();
  await Promise.all([...outward, inward]);
  const texts = await untilTexts(session_id, 41);
  expect(texts).toEqual(['first', ...Array.from({ length: 40 }, (_, n) => `in ${n}`)]);
  await anna.waitFor(() => anna.inbox().filter(({ text }) => text.startsWith('out ')).length === 40);
  expect(anna.undecryptable()).toEqual([]);
  expect((await told(session_id)).filter(({ payload }) => payload.change !== 'new')).toEqual([]);
});

it('a ratchet is durable before what it encrypted leaves', async () => {
  const { session_id, phone } = await linkSession(world, worker);
  const anna = world.whatsapp.addPhone({ name: 'Anna' });
  await anna.send(phone.number, 'first');
  await untilTexts(session_id, 1);
  const { sock, state, gate } = worker.held(session_id)!;
  const positions: number[] = [];
  const { append } = state.log;
  // Where the log stands when the frame is handed over: the entry of its ratchet is before that.
  const appended: string[] = [];
  state.log.append = (entry) => {
    if (entry.keys?.['session']) {
      appended.push('ratchet');
      positions.push(state.log.position + 1);
    }
    return append.call(state.log, entry);
  };
  const socket = (sock!.ws as unknown as { socket: { send(...args: unknown[]): void } }).socket;
  const send = socket.send.bind(socket);
  socket.send = (...args) => {
    appended.push('frame');
    send(...args);
  };
  await sock!.sendMessage(`${anna.number}@s.whatsapp.net`, { text: 'out' });
  await gate!.released();
  expect(appended.indexOf('ratchet')).toBeGreaterThanOrEqual(0);
  expect(appended.lastIndexOf('ratchet')).toBeLessThan(appended.lastIndexOf('frame'));
  expect(positions.length).toBeGreaterThan(0);
});
