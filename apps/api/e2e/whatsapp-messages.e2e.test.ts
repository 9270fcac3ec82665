import { randomBytes } from 'node:crypto';
import { mediaOf } from '@potentia/sandbox/testing/whatsapp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type GatewayStack, START_MS, startGateway } from './gateway-stack.ts';
import { type Json, type Phone, type Session, SOON, Tenant, until, type Watch } from './gateway-tenant.ts';

/* Every kind of message, both ways, over the running system: what the phone shows, and everywhere that the customer looks. */

let stack: GatewayStack;
let tenant: Tenant;
let session: Session & { phone: Phone };
let hook: Awaited<ReturnType<Tenant['hook']>>;
let me: Watch;
beforeAll(async () => {
  stack = await startGateway();
  tenant = await Tenant.start(stack);
  hook = await tenant.hook();
  session = await tenant.linked();
  me = await tenant.me();
}, START_MS);
afterAll(async () => {
  await me?.[Symbol.asyncDispose]();
  await tenant?.[Symbol.asyncDispose]();
  await stack?.[Symbol.asyncDispose]();
});
afterEach(() => expect(stack.whatsapp.problems()).toEqual([]));

const FILES = [
  ['image', 'image/jpeg', { caption: 'A picture' }],
  ['video', 'video/mp4', { caption: 'A film' }],
  ['audio', 'audio/mpeg', {}],
  ['voice', 'audio/ogg', {}],
  ['document', 'application/pdf', { caption: 'A paper', file_name: 'paper.pdf' }],
  ['sticker', 'image/webp', {}],
] as const;

/** Statuses of a message as the customer's endpoint was told, with the request that asked for it. */
const told = (message_id: string): Json[] =>
  hook.told().filter(({ type, data }) => type === 'whatsapp.message_status' && data.message_id === message_id);
const statusesOf = (message_id: string): string[] => told(message_id).map(({ data }) => data.status as string);

/** What the customer's endpoint and the user channel were told of an inbound message, which list and look-up know too. */
async function arrived(message_id: string, change = 'new'): Promise<Json> {
  const is = (data: Json) => data.message?.message_id === message_id && data.change === change;
  const { data } = await hook.find(
    ({ type, data }) => type === 'whatsapp.message' && is(data),
    `${message_id} ${change}`,
  );
  const frame = await me.find(({ event, payload }) => event === 'whatsapp.message' && is(payload));
  const { workspace_id, session_id } = data;
  expect({ workspace_id, session_id }).toEqual({ workspace_id: tenant.workspace_id, session_id: session.id });
  expect(frame.payload.message).toEqual(data.message);
  return data.message;
}

describe('what is sent', () => {
  it('is shown on the phone, and taken, delivered and read is what the customer is told of it, with the id of the request', async () => {
    const phone = stack.whatsapp.addPhone();
    const to = { phone: phone.number };
    const question = await phone.send(session.phone.number, 'Are you open?');
    await arrived(question.id);
    const sent = await session.send(to, 'We are', { reply_to: question.id });
    const shown = await phone.waitFor(({ id }) => id === sent.message_id);
    expect(shown).toMatchObject({ text: 'We are', from: session.phone.number, quoted: question.id, stanzas: 1 });
    await expect.poll(() => statusesOf(sent.message_id), SOON).toContain('delivered');
    phone.read(session.phone.number);
    await expect.poll(() => statusesOf(sent.message_id).toSorted(), SOON).toEqual(expect.arrayContaining(['read']));
    for (const { data } of told(sent.message_id))
      expect(data).toMatchObject({
        request_id: sent.request_id,
        requested_by: tenant.who.user_id,
        chat: { contact: { phone: phone.number, lid: phone.lid } },
      });
    const frame = await me.find(
      ({ event, payload }) =>
        event === 'whatsapp.message_status' && payload.message_id === sent.message_id && payload.status === 'read',
    );
    expect(frame.payload.request_id).toBe(sent.request_id);
    expect(await session.message(sent.message_id)).toMatchObject({ status: 'read', request_id: sent.request_id });
  });

  it.each(FILES)('%s arrives as it was uploaded', async (type, media_type, more) => {
    const phone = stack.whatsapp.addPhone();
    const bytes = randomBytes(150_000);
    const file_name = 'file_name' in more ? more.file_name : undefined;
    const media_id = await session.upload(type, media_type, bytes, file_name);
    const { message_id } = await session.send({ phone: phone.number }, { type, media_id, ...more });
    const shown = await phone.waitFor(({ id }) => id === message_id);
    expect(shown).toMatchObject({ kind: type, text: 'caption' in more ? more.caption : '' });
    expect(mediaOf(stack.whatsapp.media, shown.content).equals(bytes)).toBe(true);
    await expect.poll(() => statusesOf(message_id), SOON).toContain('delivered');
    const link = await session.ok('GET', `/messages/${message_id}/media`);
    expect(Buffer.from(await (await fetch(link.url as string)).arrayBuffer()).equals(bytes)).toBe(true);
  });

  it.each(['to a person', 'to a group'])(
    'places, people, polls, reactions, edits and deletions are shown, %s',
    async (where) => {
      const phone = stack.whatsapp.addPhone();
      const group =
        where === 'to a group' ? phone.createGroup({ subject: 'Team', members: [session.phone.number] }) : null;
      const chat = group?.id ?? session.phone.number;
      const to = group ? { group_id: group.id.replace('@g.us', '') } : { phone: phone.number };
      const { id: theirs } = await phone.send(chat, 'Hello there');
      await arrived(theirs);

      const contacts = [{ name: 'Budi', phones: ['6281234567890'] }];
      await session.send(to, { type: 'location', latitude: -6.2, longitude: 106.8, name: 'Jakarta' });
      await session.send(to, { type: 'contact', contacts });
      const poll = await session.send(to, { type: 'poll', question: 'When?', options: ['Now', 'Later'] });
      const text = await session.send(to, 'A typpo');
      const slip = await session.send(to, 'A slip');
      await phone.waitFor(({ id }) => id === slip.message_id);
      await session.send(to, { type: 'reaction', message_id: theirs, emoji: '👍' });
      await session.send(to, { type: 'edit', message_id: text.message_id, text: 'A typo' });
      await session.send(to, { type: 'delete', message_id: slip.message_id });

      const shown = (id: string) => phone.messages().find((message) => message.id === id);
      await expect.poll(() => shown(theirs)?.reactions, SOON).toEqual([{ from: session.phone.number, emoji: '👍' }]);
      await expect.poll(() => shown(text.message_id), SOON).toMatchObject({ text: 'A typo', edited: true, chat });
      await expect.poll(() => shown(slip.message_id), SOON).toMatchObject({ deleted: true });
      const kinds = phone.inbox().map(({ kind, text }) => [kind, text]);
      expect(kinds.slice(0, 3)).toEqual([
        ['location', 'Jakarta'],
        ['contact', 'Budi'],
        ['poll', 'When?'],
      ]);

      await phone.send(chat, { kind: 'poll_vote', id: poll.message_id, options: ['Later'] });
      const vote = await hook.find(
        ({ type, data }) => type === 'whatsapp.message' && data.message.content.message_id === poll.message_id,
      );
      expect(vote.data.message).toMatchObject({ type: 'poll_vote', content: { options: ['Later'] } });
      const known = await session.message(theirs);
      expect(known.reactions).toMatchObject([{ emoji: '👍', sender: null }]);
      expect(await session.message(text.message_id)).toMatchObject({ content: { text: 'A typo' } });
      expect((await session.message(slip.message_id)).deleted_at).not.toBeNull();
    },
  );

  it('to a number that nobody has fails, and says so', async () => {
    const { message_id, request_id } = await session.send({ phone: '4915199999999' }, 'Anybody?');
    await expect.poll(() => statusesOf(message_id), SOON).toContain('failed');
    expect(told(message_id).at(-1)?.data).toMatchObject({ request_id, error_code: 'whatsapp.not_on_whatsapp' });
  });
});

describe('what the phone sends', () => {
  it.each(FILES)('%s is told of, and downloaded as it was sent', async (kind, mime_type, more) => {
    const phone = stack.whatsapp.addPhone();
    const bytes = randomBytes(150_000);
    const { id } = await phone.send(session.phone.number, { kind, bytes, mime_type, ...more });
    const message = await arrived(id);
    const content = 'caption' in more ? { caption: more.caption } : {};
    expect(message).toMatchObject({ type: kind, direction: 'in', content, media: { kind } });
    const stored = await arrived(id, 'media');
    expect(stored.media).toMatchObject({ status: 'stored', size: bytes.length });
    const { url, media } = await session.ok('GET', `/messages/${id}/media`);
    expect(media).toEqual(stored.media);
    expect(Buffer.from(await (await fetch(url as string)).arrayBuffer()).equals(bytes)).toBe(true);
    const redirected = await fetch(`${stack.api.url}/api/v1${session.path}/messages/${id}/media?redirect=true`, {
      headers: { authorization: `Bearer ${tenant.who.token}` },
    });
    expect(Buffer.from(await redirected.arrayBuffer()).equals(bytes)).toBe(true);
  });

  it('words, places, people and polls, of a person and of a group, are told of and listed with both ids of who sent them', async () => {
    const phone = stack.whatsapp.addPhone({ name: 'Wati' });
    const group = phone.createGroup({ subject: 'Family', members: [session.phone.number] });
    const vcard = 'BEGIN:VCARD\nVERSION:3.0\nFN:Budi\nTEL;waid=6281234567890:+62 812\nEND:VCARD';
    const kinds: [object | string, object][] = [
      ['Just words', { type: 'text', content: { text: 'Just words' } }],
      [
        { kind: 'location', latitude: 1.5, longitude: 2.5, name: 'Here' },
        { type: 'location', content: { latitude: 1.5, name: 'Here' } },
      ],
      [{ kind: 'live_location', latitude: 1.5, longitude: 2.5 }, { type: 'live_location' }],
      [
        { kind: 'contact', name: 'Budi', vcard },
        { type: 'contact', content: { contacts: [{ name: 'Budi' }] } },
      ],
      [
        { kind: 'poll', question: 'Tea?', options: ['Yes', 'No'] },
        { type: 'poll', content: { question: 'Tea?', options: ['Yes', 'No'] } },
      ],
    ];
    for (const chat of [session.phone.number, group.id]) {
      for (const [content, expected] of kinds) {
        const { id } = await phone.send(chat, content as Parameters<Phone['send']>[1]);
        const message = await arrived(id);
        const sender = { phone: phone.number, lid: phone.lid, name: 'Wati' };
        expect(message).toMatchObject({ ...expected, direction: 'in', status: 'received', sender });
        expect(message.chat).toMatchObject(
          chat === group.id
            ? { kind: 'group', group_id: group.id.replace('@g.us', '') }
            : { kind: 'person', contact: sender },
        );
      }
      const { chat_id } = (await session.message(phone.outbox().at(-1)!.id)).chat;
      const { items } = await session.ok('GET', `/messages?chat_id=${chat_id}`);
      expect(items.map((each: { type: string }) => each.type)).toEqual(
        kinds.map(([, { type }]: Json) => type as string).toReversed(),
      );
    }
    const chats = (await session.ok('GET', '/chats')).items as Json[];
    expect(chats.find((each) => each.chat.group_id !== null && each.chat.subject === 'Family')).toMatchObject({
      unread: 5,
    });
    const { items: people } = await session.ok('GET', '/contacts');
    expect(people.filter((each: { phone: string }) => each.phone === phone.number)).toHaveLength(1);
  });

  it('replies, reactions, edits and deletions change what is there, and are told of', async () => {
    const phone = stack.whatsapp.addPhone();
    const ours = await session.send({ phone: phone.number }, 'Lunch at noon?');
    await phone.waitFor(({ id }) => id === ours.message_id);
    const reply = await phone.send(session.phone.number, 'Yes plase', { quoted: ours.message_id });
    expect(await arrived(reply.id)).toMatchObject({ quoted_message_id: ours.message_id });
    const reaction = await phone.send(session.phone.number, { kind: 'reaction', id: ours.message_id, emoji: '❤️' });
    expect(await arrived(reaction.id)).toMatchObject({ type: 'reaction', content: { emoji: '❤️' } });
    await phone.send(session.phone.number, { kind: 'edit', id: reply.id, text: 'Yes please' });
    expect(await arrived(reply.id, 'edited')).toMatchObject({ content: { text: 'Yes please' } });
    expect((await session.message(ours.message_id)).reactions).toMatchObject([
      { emoji: '❤️', sender: { phone: phone.number } },
    ]);
    await phone.send(session.phone.number, { kind: 'delete', id: reply.id });
    const deleted = await arrived(reply.id, 'deleted');
    expect(deleted.deleted_at).not.toBeNull();
    expect(JSON.stringify(deleted.content)).not.toContain('please');
  });

  it('is confirmed on the phone: as delivered when it is kept, as read when it is said so; typing is shown', async () => {
    const phone = stack.whatsapp.addPhone();
    const { id } = await phone.send(session.phone.number, 'Did you see?');
    const { chat } = await arrived(id);
    const receipts = () => phone.outbox().find((message) => message.id === id)?.receipts ?? [];
    const mine = (type: string) => receipts().some((each) => each.type === type && each.device !== 0);
    await until(
      () => phone.outbox().some((message) => message.id === id && message.devices.length > 0),
      'a confirmation',
    );
    expect(mine('read')).toBe(false);
    expect((await session.call('POST', '/read', { chat_id: chat.chat_id })).status).toBe(204);
    await expect.poll(() => mine('read'), SOON).toBe(true);
    const unread = async () => {
      const { items } = await session.ok('GET', '/chats');
      return items.find((each: Json) => each.chat.chat_id === chat.chat_id).unread as number;
    };
    await expect.poll(unread, SOON).toBe(0);

    for (const state of ['composing', 'recording', 'paused'] as const) {
      const { status } = await session.call('POST', '/typing', { to: { phone: phone.number }, state });
      expect(status).toBe(204);
      await phone.waitForTyping((typing) => typing.from === session.phone.number && typing.state === state);
    }
  });
});

it('numbers are looked up; a group is made, changed, filled, emptied and left', async () => {
  const [one, two] = [stack.whatsapp.addPhone(), stack.whatsapp.addPhone()] as const;
  const { items } = await session.ok('POST', '/contacts/check', { phones: [one.number, '4915188888888'] });
  expect(items).toMatchObject([
    { phone: one.number, is_on_whatsapp: true, contact: { phone: one.number, lid: one.lid } },
    { phone: '4915188888888', is_on_whatsapp: false },
  ]);

  const made = await session.ok('POST', '/groups', { subject: 'Orders', phones: [one.number] });
  const path = `/groups/${made.group_id}`;
  const members = async () => {
    const { participants } = await session.ok('GET', path);
    return Object.fromEntries(participants.map((each: Json) => [each.contact.phone, each.role]));
  };
  expect(await members()).toMatchObject({
    [one.number]: 'member',
    [session.phone.number]: expect.stringMatching('admin'),
  });
  const change = (action: string, phone: Phone) =>
    session.ok('POST', `${path}/participants`, { action, phones: [phone.number] });
  expect(await change('add', two)).toEqual({ items: [{ phone: two.number, status: 'done', reason: null }] });
  await change('promote', two);
  expect(await members()).toMatchObject({ [two.number]: 'admin' });
  await change('demote', two);
  await change('remove', one);
  expect(Object.keys(await members()).toSorted()).toEqual([session.phone.number, two.number].toSorted());
  const changed = await session.ok('PATCH', path, { subject: 'Orders of today', description: 'Before noon' });
  expect(changed).toMatchObject({ subject: 'Orders of today', description: 'Before noon' });
  const { message_id } = await session.send({ group_id: made.group_id }, 'Welcome');
  await two.waitFor(({ id, text }) => id === message_id && text === 'Welcome');
  expect((await session.ok('GET', '/groups')).items.map((each: Json) => each.subject)).toContain('Orders of today');
  expect((await session.call('POST', `${path}/leave`)).status).toBe(204);
  expect((await session.ok('GET', '/groups')).items.map((each: Json) => each.group_id)).not.toContain(made.group_id);
});
