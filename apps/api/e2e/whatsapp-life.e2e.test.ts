import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { asService } from '../src/testing/api.ts';
import { type GatewayStack, START_MS, startGateway } from './gateway-stack.ts';
import { type Json, request, SOON, Tenant, until } from './gateway-tenant.ts';

/* What happens to sessions between linking and deletion: people change their minds, phones unlink, connections end. */

let stack: GatewayStack;
let tenant: Tenant;
let hook: Awaited<ReturnType<Tenant['hook']>>;
beforeAll(async () => {
  stack = await startGateway();
}, START_MS);
afterAll(() => stack?.[Symbol.asyncDispose]());
beforeEach(async () => {
  tenant = await Tenant.start(stack);
  hook = await tenant.hook();
});
afterEach(async () => {
  await tenant[Symbol.asyncDispose]();
  expect(stack.whatsapp.problems()).toEqual([]);
});

const texts = (items: Json[]): string[] => items.map(({ content }) => content.text as string);

it('who changes their mind while linking is linked by what was asked for last; a wrong code links nobody', async () => {
  const session = await tenant.card();
  const phone = stack.whatsapp.addPhone();
  await session.ok('POST', '/connect', {});
  const { qr } = await session.qr();
  const first = await session.ok('POST', '/pairing-code', { phone: phone.number });
  expect((await session.call('GET', '/qr')).status).toBe(409);
  await expect(phone.scan(qr as string)).rejects.toThrow();
  await expect(phone.enterCode(first.code === 'AAAAAAAA' ? 'BBBBBBBB' : 'AAAAAAAA')).rejects.toThrow();
  const second = await session.ok('POST', '/pairing-code', { phone: phone.number });
  expect(second.code).not.toBe(first.code);
  await phone.enterCode(second.code as string);
  await session.untilStatus('connected');

  const other = await tenant.card();
  await other.ok('POST', '/connect', { login: { by: 'pairing_code', phone: stack.whatsapp.addPhone().number } });
  await other.untilStatus('pairing');
  await other.ok('POST', '/connect', { login: { by: 'qr' } });
  const someone = stack.whatsapp.addPhone();
  await someone.scan((await other.qr()).qr as string);
  expect(await other.untilStatus('connected')).toMatchObject({ phone: someone.number });
});

it('a card that is disconnected or deleted while it shows a code shows none any more, and its code links nobody', async () => {
  const [stopped, deleted] = [await tenant.card(), await tenant.card()];
  const phone = stack.whatsapp.addPhone();
  for (const session of [stopped, deleted]) await session.ok('POST', '/connect', {});
  const codes = [await stopped.qr(), await deleted.qr()];
  await stopped.ok('POST', '/disconnect');
  await deleted.call('DELETE');
  await stopped.untilStatus('disconnected');
  expect((await stopped.call('GET', '/qr')).status).toBe(409);
  expect((await deleted.call('GET', '/qr')).status).toBe(404);
  // A scan in this very moment still links: the worker has to hear of it, and lets go of the row when its socket is closed.
  const held = `select 1 from wa.sessions where session_id = $1 or (session_id = $2 and worker_id is not null)`;
  await expect.poll(() => stack.backends.database.asOwner(held, [deleted.id, stopped.id]), SOON).toEqual([]);
  for (const { qr } of codes) await expect(phone.scan(qr as string)).rejects.toThrow();
  expect(phone.devices()).toEqual([]);
});

it('unlinked on the phone it is logged out, says so, and can be linked to another phone', async () => {
  const session = await tenant.linked();
  session.phone.unlink();
  await session.untilStatus('logged_out', 'logged_out');
  await hook.find(({ data }) => data.status === 'logged_out' && data.close_code === 401);
  const other = stack.whatsapp.addPhone();
  await session.ok('POST', '/connect', {});
  await other.scan((await session.qr()).qr as string);
  expect(await session.untilStatus('connected')).toMatchObject({ phone: other.number, lid: other.lid });
});

it('what is written while it is away comes once it is back, in order and once, whichever name its writer uses', async () => {
  const session = await tenant.linked();
  const friend = stack.whatsapp.addPhone({ name: 'Bu Tini' });
  await friend.send(session.phone.number, 'one', { addressing: 'lid' });
  await friend.send(session.phone.number, 'two', { addressing: 'pn' });
  await expect.poll(async () => (await session.ok('GET', '/messages')).items.length, SOON).toBe(2);
  await session.ok('POST', '/disconnect');
  await session.untilStatus('disconnected', 'requested');
  expect(
    await session.call('POST', '/messages', { to: { phone: friend.number }, content: { type: 'text', text: 'x' } }),
  ).toMatchObject({
    status: 409,
    body: { code: 'whatsapp.not_connected' },
  });
  for (let n = 0; n < 20; n += 1)
    await friend.send(session.phone.number, `away ${n}`, { addressing: n % 2 ? 'lid' : 'pn' });
  await session.ok('POST', '/connect', {});
  await session.untilStatus('connected');
  const expected = ['one', 'two', ...Array.from({ length: 20 }, (_, n) => `away ${n}`)];
  await expect
    .poll(async () => texts((await session.ok('GET', '/messages')).items), SOON)
    .toEqual(expected.toReversed());
  const told = () => hook.told().filter(({ type, data }) => type === 'whatsapp.message' && data.change === 'new');
  await expect.poll(() => texts(told().map(({ data }) => data.message)).toSorted(), SOON).toEqual(expected.toSorted());
  const { items: people } = await session.ok('GET', '/contacts');
  expect(people.filter((each: Json) => each.phone === friend.number || each.lid === friend.lid)).toMatchObject([
    { name: 'Bu Tini' },
  ]);
  const { items: chats } = await session.ok('GET', '/chats');
  expect(chats).toMatchObject([{ unread: 22, last_message: { content: { text: 'away 19' } } }]);

  // Page by page it is the same.
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Json = await session.ok('GET', `/messages?limit=7${cursor === null ? '' : `&cursor=${cursor}`}`);
    seen.push(...texts(page.items));
    cursor = page.next_cursor;
  } while (cursor !== null);
  expect(seen).toEqual(expected.toReversed());
});

it('what the own phone writes is listed and told of as sent; the same key sends once, with another body nothing', async () => {
  const session = await tenant.linked();
  const friend = stack.whatsapp.addPhone();
  const { id } = await session.phone.send(friend.number, 'From the phone itself');
  const { data } = await hook.find(({ data }) => data.message?.message_id === id);
  expect(data).toMatchObject({
    change: 'new',
    message: { direction: 'out', sender: null, chat: { contact: { phone: friend.number } } },
  });

  const key = { 'idempotency-key': randomUUID() };
  const body = { to: { phone: friend.number }, content: { type: 'text', text: 'Only once' } };
  const answers = await Promise.all(Array.from({ length: 5 }, () => session.call('POST', '/messages', body, key)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
  expect(new Set(answers.map(({ body }) => body.message_id as string)).size).toBe(1);
  const other = await session.call('POST', '/messages', { ...body, content: { type: 'text', text: 'Twice' } }, key);
  expect(other).toMatchObject({ status: 409, body: { code: 'whatsapp.key_reused' } });
  await friend.waitFor(({ text }) => text === 'Only once');
  const last = await session.send(body.to, 'The last');
  await friend.waitFor((message) => message.id === last.message_id);
  expect(friend.inbox().map(({ text, stanzas }) => [text, stanzas])).toEqual([
    ['From the phone itself', 1],
    ['Only once', 1],
    ['The last', 1],
  ]);
});

it('a file of 20 MB goes either way; one that is too large or not what was announced does not', async () => {
  const session = await tenant.linked();
  const friend = stack.whatsapp.addPhone();
  const bytes = randomBytes(20_000_000);
  const media_id = await session.upload('document', 'application/zip', bytes, 'big.zip');
  const sent = await session.send({ phone: friend.number }, { type: 'document', media_id });
  const shown = await friend.waitFor(({ id }) => id === sent.message_id);
  expect(friend.media(shown).equals(bytes)).toBe(true);
  const { id } = await friend.send(session.phone.number, { kind: 'document', bytes, file_name: 'big.zip' });
  await session.message(id, ({ media }) => media.status === 'stored');
  const { url } = await session.ok('GET', `/messages/${id}/media`);
  expect(Buffer.from(await (await fetch(url as string)).arrayBuffer()).equals(bytes)).toBe(true);

  const announce = { kind: 'image', media_type: 'image/png', size: 200_000_000 };
  expect((await session.call('POST', '/media', announce)).status).toBeGreaterThanOrEqual(400);
  const { media, upload } = await session.ok('POST', '/media', { ...announce, size: 10 });
  const put = await fetch(upload.url as string, { method: 'PUT', headers: upload.headers, body: new Uint8Array(11) });
  const completed = await session.call('POST', `/media/${media.media_id}/complete`);
  expect([put.ok, completed.status]).not.toEqual([true, 200]);
  const unsent = await session.call('POST', '/messages', {
    to: { phone: friend.number },
    content: { type: 'image', media_id: media.media_id },
  });
  expect(unsent.status).toBeGreaterThanOrEqual(400);
});

it('moves to the worker that is named, and to none that is not there', async () => {
  const session = await tenant.linked();
  const missing = await session.call('POST', '/migrate', { worker_id: randomUUID() });
  expect(missing).toMatchObject({ status: 409, body: { code: 'worker.not_alive' } });
  const { worker_id, generation } = await session.ok('GET');
  // There is no other: it stays.
  expect((await session.call('POST', '/migrate', {})).status).toBe(202);
  await stack.startWorker({ WORKER_NAME: 'the-other' });
  const { token } = await asService();
  const named = await until(async () => {
    const { body } = await request(stack.api.url, token, 'GET', '/api/admin/workers');
    return (body.items as Json[]).find(({ name }) => name === 'the-other');
  }, 'another worker');
  expect(await session.ok('GET')).toMatchObject({ worker_id, generation, status: 'connected' });
  await session.ok('POST', '/migrate', { worker_id: named.id });
  await until(async () => (await session.ok('GET')).worker_id === named.id, 'the session at that worker');
  await session.untilStatus('connected');
  await session.ok('POST', '/disconnect');
  await session.untilStatus('disconnected');
  const nowhere = await session.call('POST', '/migrate', {});
  expect(nowhere).toMatchObject({ status: 409, body: { code: 'whatsapp.not_placed' } });
});

it('connections that end are made anew, however they end, and what was under way arrives once and in order', async () => {
  const session = await tenant.linked();
  const friend = stack.whatsapp.addPhone();
  const { faults } = stack.whatsapp;
  const ids: string[] = [];
  for (let n = 0; n < 40; n += 1) {
    ids.push((await session.send({ phone: friend.number }, `word ${n}`)).message_id);
    if (n % 10 === 2) faults.closeWith(session.phone.number, 'tcp', { after_messages: 2 });
    if (n % 10 === 7) faults.closeWith(session.phone.number, 503, { after_messages: 1 });
    if (n % 10 === 9) faults.dropAfterReceive(session.phone.number, 1);
    await friend.send(session.phone.number, `answer ${n}`);
  }
  for (const id of ids) await session.message(id, ({ status }) => status === 'delivered');
  expect(friend.inbox().map(({ text }) => text)).toEqual(ids.map((_, n) => `word ${n}`));
  const inbound = async () => texts((await session.ok('GET', '/messages?direction=in&limit=100')).items);
  await expect.poll(inbound, SOON).toEqual(ids.map((_, n) => `answer ${n}`).toReversed());
  await session.untilStatus('connected');
}, 120_000);
