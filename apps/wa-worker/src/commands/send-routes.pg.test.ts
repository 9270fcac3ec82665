import { randomUUID } from 'node:crypto';
import { afterAll, expect, it, vi } from 'vitest';
import { startSendingWorker, startSession } from '../testing/outbound.ts';
import { startWorkerWorld, untilStatus } from '../testing/worker.ts';

const world = await startWorkerWorld();
const worker = await startSendingWorker(world);
const session = await startSession(world, worker);
const ada = world.whatsapp.addPhone({ name: 'Ada' });
const shop = session.phone;
afterAll(async () => {
  await worker.stop();
  await world[Symbol.asyncDispose]();
});

const chatOf = async (message_id: string): Promise<string> => {
  await session.received(message_id);
  const text = 'select chat_id from wa.messages where session_id = $1 and message_id = $2';
  const [row] = await world.database.asOwner<{ chat_id: string }>(text, [session.session_id, message_id]);
  return row?.chat_id ?? '';
};

it('marks messages as read, those that are named or all, and their senders are told', async () => {
  const ids: string[] = [];
  for (const text of ['One', 'Two', 'Three']) ids.push((await ada.send(shop.number, text)).id);
  const chat_id = await chatOf(ids[2] ?? '');
  const unread = async () =>
    (await world.database.asOwner('select unread from wa.chats where id = $1', [chat_id]))[0] as { unread: number };
  expect(await unread()).toEqual({ unread: 3 });
  expect(await session.call('POST', '/read', { chat_id, message_ids: [ids[0]] })).toMatchObject({ status: 204 });
  await ada.waitForSent(({ id, status }) => id === ids[0] && status === 'read');
  expect(await unread()).toEqual({ unread: 2 });
  expect(ada.outbox().find(({ id }) => id === ids[1])?.status).not.toBe('read');
  expect(await session.call('POST', '/read', { chat_id })).toMatchObject({ status: 204 });
  await ada.waitForSent(({ id, status }) => id === ids[2] && status === 'read');
  expect(await unread()).toEqual({ unread: 0 });
  // Nothing is left; and a chat of nobody.
  expect(await session.call('POST', '/read', { chat_id })).toMatchObject({ status: 204 });
  const nowhere = await session.call('POST', '/read', { chat_id: randomUUID() });
  expect(nowhere).toMatchObject({
    status: 404,
    body: { code: 'whatsapp.chat_not_found', errors: [{ pointer: '/chat_id' }] },
  });
});

it('shows that something is written or recorded, to a person and to a group', async () => {
  const type = (to: object, state: string) => session.call('POST', '/typing', { to, state });
  for (const state of ['composing', 'recording', 'paused'])
    expect(await type({ phone: ada.number }, state)).toMatchObject({ status: 204 });
  await ada.waitForTyping(({ state }) => state === 'paused');
  expect(ada.typingSeen().map(({ state }) => state)).toEqual(['composing', 'recording', 'paused']);
  const group = ada.createGroup({ subject: 'Typing', members: [shop.number] });
  await type({ group_id: group.id.replace('@g.us', '') }, 'composing');
  await ada.waitForTyping(({ chat }) => chat === group.id);
  expect(await type({ chat_id: randomUUID() }, 'composing')).toMatchObject({ status: 404 });
});

it('takes a file of the announced size and of a type that WhatsApp shows as that kind, and no other', async () => {
  const refused = async (body: object) => {
    const answer = await session.call<{ code: string; errors?: { pointer: string }[] }>('POST', '/media', body);
    return [answer.status, answer.body.errors?.[0]?.pointer];
  };
  expect(await refused({ kind: 'image', media_type: 'text/plain', size: 5 })).toEqual([400, '/media_type']);
  expect(await refused({ kind: 'voice', media_type: 'audio/mpeg', size: 5 })).toEqual([400, '/media_type']);
  expect(await refused({ kind: 'document', media_type: 'text/plain', size: 1e12 })).toEqual([400, '/size']);
  const announced = { kind: 'document', media_type: 'text/plain', size: 5, file_name: 'a.txt' };
  const { body } = await session.call<{
    media: { media_id: string; status: string };
    upload: { url: string; headers: Record<string, string> };
  }>('POST', '/media', announced);
  expect(body.media).toMatchObject({ status: 'awaited', size: 5, file_name: 'a.txt' });
  const complete = () => session.call('POST', `/media/${body.media.media_id}/complete`, {});
  expect(await complete()).toMatchObject({ status: 409, body: { code: 'whatsapp.media_not_uploaded' } });
  const early = await session.send({
    to: { phone: ada.number },
    content: { type: 'document', media_id: body.media.media_id },
  });
  expect(early).toMatchObject({
    status: 409,
    body: { code: 'whatsapp.media_not_uploaded', errors: [{ pointer: '/content/media_id' }] },
  });
  await fetch(body.upload.url, { method: 'PUT', headers: body.upload.headers, body: 'hello' });
  expect(await complete()).toMatchObject({ status: 200, body: { media: { status: 'stored' } } });
  expect(await complete()).toMatchObject({ status: 200 });
  expect(await session.call('POST', `/media/${randomUUID()}/complete`, {})).toMatchObject({ status: 404 });
});

it('makes a group, changes who is in it and what it is called, and leaves it', async () => {
  const bob = world.whatsapp.addPhone({ name: 'Bob' });
  const made = await session.call<{ group_id: string; chat_id: string }>('POST', '/groups', {
    subject: 'Plans',
    phones: [ada.number],
  });
  expect(made).toMatchObject({
    status: 201,
    body: {
      subject: 'Plans',
      participants: [
        { contact: { phone: shop.number }, role: 'admin' },
        { contact: { phone: ada.number, lid: ada.lid }, role: 'member' },
      ],
    },
  });
  const path = `/groups/${made.body.group_id}`;
  expect(await session.call('GET', path)).toEqual({ ...made, status: 200 });
  const { body } = await session.call<{ items: { group_id: string }[] }>('GET', '/groups');
  expect(body.items.map(({ group_id }) => group_id)).toContain(made.body.group_id);
  const change = (action: string) => session.call('POST', `${path}/participants`, { action, phones: [bob.number] });
  expect(await change('add')).toEqual({
    status: 200,
    body: { items: [{ phone: bob.number, status: 'done', reason: null }] },
  });
  expect(await change('promote')).toMatchObject({ status: 200 });
  const renamed = await session.call('PATCH', path, { subject: 'Better plans', description: 'What we do' });
  expect(renamed).toMatchObject({ status: 200, body: { subject: 'Better plans', description: 'What we do' } });
  expect(JSON.stringify(renamed.body)).toContain(`"${bob.number}"`);
  await session.sent({ chat_id: made.body.chat_id }, 'Welcome');
  for (const phone of [ada, bob]) await phone.waitFor(({ text }) => text === 'Welcome');
  expect(await change('remove')).toMatchObject({ status: 200 });
  expect(await session.call('POST', `${path}/leave`, {})).toMatchObject({ status: 204 });
  const gone = await session.call('PATCH', path, { subject: 'Mine' });
  expect(gone).toMatchObject({ status: 403, body: { code: 'whatsapp.not_group_admin' } });
  const unknown = await session.call('PATCH', '/groups/1203630999999', { subject: 'Mine' });
  expect(unknown).toMatchObject({ status: 404, body: { code: 'whatsapp.group_not_found' } });
});

it('refuses what it does not know, whoever does not hold the session, and who has no token for it', async () => {
  const input = { to: { phone: ada.number }, content: { type: 'text', text: 'Hello' } };
  const wrong = await session.send({ ...input, to: { phone: ada.number, lid: '1' } });
  expect(wrong).toMatchObject({ status: 400, body: { errors: [{ pointer: '/input/to' }] } });
  const ref = { method: 'POST', path: '/messages', session_id: session.session_id };
  const body = { idempotency_key: 'k', input };
  expect(await worker.send({ ...ref, generation: 2, body })).toMatchObject({
    status: 409,
    body: { code: 'worker.generation_stale' },
  });
  expect(await worker.send({ ...ref, session_id: randomUUID(), generation: 1, body })).toMatchObject({
    status: 404,
    body: { code: 'worker.session_not_held' },
  });
  expect(await worker.send({ ...ref, generation: 1, body, token: 'none' })).toMatchObject({ status: 401 });
  const rows = await world.database.asOwner(
    `select 1 from wa.messages where session_id = $1 and idempotency_key = 'k'`,
    [session.session_id],
  );
  expect(rows).toEqual([]);
});

it('queues while it is not connected, sends when it is, and says nothing of texts or numbers in its log', async () => {
  const own = await startSession(world, worker);
  const secret = `secret ${randomUUID()}`;
  world.whatsapp.faults.closeWith(own.phone.number, 503, 'next_login');
  world.whatsapp.faults.closeWith(own.phone.number, 'tcp');
  await untilStatus(world, own.session_id, 'connecting');
  const sent = await own.sent({ phone: ada.number }, secret);
  expect(sent.status).toBe('queued');
  await ada.waitFor(({ text }) => text === secret);
  await vi.waitFor(async () => expect((await own.read(sent.id)).status).toBe('delivered'), { timeout: 5_000 });
  expect(worker.output()).not.toContain(secret);
  expect(worker.output()).not.toContain(ada.number);
});

it('tells how far a message is under the request and the trace in which it was asked for', async () => {
  const traceparent = `00-${'7'.repeat(32)}-${'5'.repeat(16)}-01`;
  const input = { to: { phone: ada.number }, content: { type: 'text', text: 'Traced' } };
  const answer = await worker.send<{ message: { id: string } }>({
    ...session,
    ...{ method: 'POST', path: '/messages', headers: { traceparent } },
    body: { idempotency_key: randomUUID(), request_id: 'request-of-the-call', input },
  });
  expect(answer.status).toBe(202);
  await ada.waitFor(({ text }) => text === 'Traced');
  const told = async () => {
    const text = `select payload ->> 'status' as status, request_id, traceparent from wa.events
      where session_id = $1 and kind = 'message-status' and payload ->> 'id' = $2 order by seq`;
    return world.database.asOwner<{ status: string }>(text, [session.session_id, answer.body.message.id]);
  };
  await vi.waitFor(
    async () =>
      expect(await told()).toContainEqual({ status: 'delivered', request_id: 'request-of-the-call', traceparent }),
    { timeout: 10_000, interval: 50 },
  );
  for (const event of await told()) expect(event).toMatchObject({ request_id: 'request-of-the-call', traceparent });
});
