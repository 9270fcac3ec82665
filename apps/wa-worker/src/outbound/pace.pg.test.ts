import { afterAll, expect, it, vi } from 'vitest';
import { startSendingWorker, startSession, UNPACED } from '../testing/outbound.ts';
import { startWorkerWorld } from '../testing/worker.ts';

const world = await startWorkerWorld();
const worker = await startSendingWorker(world, {
  env: { ...UNPACED, WHATSAPP_COLD_PER_DAY: '4', WHATSAPP_WARM_UP_DAYS: '3' },
});
afterAll(async () => {
  await worker.stop();
  await world[Symbol.asyncDispose]();
});

const newPhone = () => world.whatsapp.addPhone();

it('begins no more conversations in a day than the budget of a session that is that new; the rest waits, and says until when', async () => {
  const session = await startSession(world, worker);
  const first = newPhone();
  const second = newPhone();
  const begun = await session.sent({ phone: first.number }, 'First');
  await session.sent({ phone: first.number }, 'More to the first');
  await session.until(begun.id, 'delivered');
  const waiting = await session.sent({ phone: second.number }, 'Second');
  const behind = await session.sent({ phone: second.number }, 'Behind it');
  await vi.waitFor(async () => expect((await session.read(waiting.id)).hold?.reason).toBe('cold_budget'));
  const { hold } = await session.read(waiting.id);
  const midnight = new Date(new Date().setUTCHours(24, 0, 0, 0));
  expect(Date.parse(hold?.until ?? '')).toBe(midnight.getTime());
  // What is warm goes on meanwhile.
  await session.sent({ phone: first.number }, 'Still going');
  await first.waitFor(({ text }) => text === 'Still going');
  expect(second.inbox()).toEqual([]);
  expect((await session.read(behind.id)).status).toBe('queued');
  // The settings of the session count, from now on.
  await session.call('PATCH', '/settings', { cold_per_day: 50, warm_up_days: 0 });
  await second.waitFor(({ text }) => text === 'Behind it');
  expect(second.inbox().map(({ text }) => text)).toEqual(['Second', 'Behind it']);
  expect(await session.read(waiting.id)).toMatchObject({ hold: null });
  const usage = await world.database.asOwner('select cold_sent from wa.usage where session_id = $1', [
    session.session_id,
  ]);
  expect(usage).toEqual([{ cold_sent: 2 }]);
});

it('sends no faster than it may, whatever is asked for, and tells what waits for its turn; reading and typing wait for nothing', async () => {
  const session = await startSession(world, worker);
  await session.call('PATCH', '/settings', { messages_per_minute: 12, cold_per_day: 50, warm_up_days: 0 });
  const phone = newPhone();
  const sent = [];
  for (let n = 0; n < 4; n++) sent.push(await session.sent({ phone: phone.number }, `Number ${n}`));
  // Two at once after a pause, then one in five seconds.
  await phone.waitFor(({ text }) => text === 'Number 1');
  const [, , third] = sent;
  await vi.waitFor(async () => expect((await session.read(third?.id ?? '')).hold?.reason).toBe('pace'));
  const until = Date.parse((await session.read(third?.id ?? '')).hold?.until ?? '');
  expect(until - Date.now()).toBeLessThan(5_100);
  expect((await session.call('POST', '/typing', { to: { phone: phone.number }, state: 'composing' })).status).toBe(204);
  await phone.waitForTyping(({ state }) => state === 'composing');
  await phone.waitFor(({ text }) => text === 'Number 2', 10_000);
  expect(Date.now()).toBeGreaterThanOrEqual(until - 50);
  expect(phone.inbox()).toHaveLength(3);
}, 20_000);
