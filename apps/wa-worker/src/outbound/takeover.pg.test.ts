import { afterAll, expect, it } from 'vitest';
import { startSendingWorker, startSession } from '../testing/outbound.ts';
import { startWorkerWorld, untilStatus } from '../testing/worker.ts';

const world = await startWorkerWorld();
const [first, second] = await Promise.all([startSendingWorker(world), startSendingWorker(world)]);
afterAll(async () => {
  await Promise.all([first.stop(), second.stop()]);
  await world[Symbol.asyncDispose]();
});

it('a session that another worker takes over in mid-send loses nothing, doubles nothing, and keeps its order', async () => {
  const session = await startSession(world, first);
  const phone = world.whatsapp.addPhone();
  const texts = Array.from({ length: 40 }, (_, n) => `Number ${n}`);
  const { session_id } = session;
  let generation = 1;
  for (const [n, text] of texts.entries()) {
    const worker = generation === 1 ? first : second;
    const body = { idempotency_key: text, input: { to: { phone: phone.number }, content: { type: 'text', text } } };
    const answer = await worker.send({ method: 'POST', path: '/messages', session_id, generation, body });
    expect(answer.status).toBe(202);
    if (n !== 19) continue;
    // Without a word to the one that has it.
    generation = 2;
    await second.send({ method: 'PUT', session_id, generation, body: {} });
  }
  await phone.waitFor(({ text }) => text === texts.at(-1), 15_000);
  expect(phone.inbox().map(({ text }) => text)).toEqual(texts);
  expect(phone.undecryptable()).toEqual([]);
  await untilStatus(world, session_id, 'connected');
  const late = await first.send({
    ...{ method: 'POST', path: '/messages', session_id, generation: 1 },
    body: { idempotency_key: 'late', input: { to: { phone: phone.number }, content: { type: 'text', text: 'late' } } },
  });
  expect([404, 409]).toContain(late.status);
}, 30_000);

it('what is being prepared when its session is given up waits for whoever holds it next', async () => {
  const session = await startSession(world, first);
  const phone = world.whatsapp.addPhone();
  const { session_id } = session;
  // The number is looked up first, which takes longer than the order to let go.
  world.whatsapp.faults.slow(session.phone.number, 400);
  const { id } = await session.sent({ phone: phone.number }, 'In a while');
  expect(await session.call('POST', '/disconnect')).toMatchObject({ status: 200 });
  world.whatsapp.faults.slow(session.phone.number, 0);
  expect(phone.inbox()).toEqual([]);
  expect(await session.read(id)).toMatchObject({ status: 'queued' });
  await second.send({ method: 'PUT', session_id, generation: 2, body: {} });
  await phone.waitFor(({ text }) => text === 'In a while');
  expect(phone.inbox()).toMatchObject([{ stanzas: 1 }]);
});
