import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openInbox, text, type Inbox, type TestItem } from '../testing/inbox.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';

let t: TestDatabase;
let inbox: Inbox;
beforeAll(async () => {
  t = await createTestDatabase();
  inbox = openInbox(t);
});
afterAll(async () => {
  await inbox.close();
  await t.drop();
});

const anna = { lid: '1001', phone: '6281200001' };
const from = (person: { lid?: string; phone?: string; name?: string }, item: Partial<TestItem> = {}): TestItem =>
  text({ chat: { kind: 'person', ...person }, sender: person, ...item });

describe('a message that comes in', () => {
  it('is stored and told once, however often it comes', async () => {
    const session = await inbox.open();
    const item = from({ ...anna, name: 'Anna' }, { content: { text: 'halo' } });
    await session.take([item, item]);
    await session.take([item]);
    const events = await session.events();
    expect(events.map(({ change, message }) => [change, message.content, message.direction])).toEqual([
      ['new', { text: 'halo' }, 'in'],
    ]);
    expect(events[0]?.message.sender).toMatchObject({ ...anna, name: 'Anna' });
    expect(events[0]?.generation).toBe(session.generation);
    const [chat] = await session.chats();
    expect(chat).toMatchObject({
      unread: 1,
      chat: { kind: 'person', contact: anna },
      last_message: { content: { text: 'halo' } },
    });
    expect(await session.usage()).toEqual({ sent: 0, received: 1 });
  });

  it('is of one contact and one chat, under whichever id it comes, and before both were known together', async () => {
    const session = await inbox.open();
    await session.take([from({ lid: '7' }), from({ phone: '62812999' })]);
    expect(await session.chats()).toHaveLength(2);
    await session.take([from({ lid: '7', phone: '62812999' })]);
    const chats = await session.chats();
    expect(chats).toMatchObject([{ unread: 3, chat: { contact: { lid: '7', phone: '62812999' } } }]);
    expect(await session.contacts()).toHaveLength(1);
    expect(await session.messages(chats[0]!.chat.chat_id)).toHaveLength(3);
  });

  it('merges in the middle of a batch', async () => {
    const session = await inbox.open();
    await session.take([from({ lid: '7' }), from({ phone: '62812999' }), from({ lid: '7', phone: '62812999' })]);
    expect(await session.chats()).toMatchObject([{ unread: 3, chat: { contact: { lid: '7', phone: '62812999' } } }]);
  });

  it('stays with its sender when a phone number passes to another person', async () => {
    const session = await inbox.open();
    await session.take([from({ lid: '7', phone: '62812999' }, { content: { text: 'of the first' } })]);
    await session.take([from({ lid: '8', phone: '62812999' }, { content: { text: 'of the second' } })]);
    const contacts = await session.contacts();
    expect(contacts).toMatchObject([
      { lid: '7', phone: null },
      { lid: '8', phone: '62812999' },
    ]);
    expect(await session.chats()).toHaveLength(2);
  });

  it('of a group names who sent it', async () => {
    const session = await inbox.open();
    const chat = { kind: 'group' as const, group_id: '120363' };
    await session.take([text({ chat, sender: anna }), text({ chat, sender: { lid: '1002' } })]);
    const [group] = await session.chats();
    expect(group).toMatchObject({ unread: 2, chat: { kind: 'group', group_id: '120363', contact: null } });
    const messages = await session.messages(group!.chat.chat_id);
    expect(messages.map(({ sender }) => sender?.lid).toSorted()).toEqual(['1001', '1002']);
  });

  it('of the own phone goes out, and is not counted as received', async () => {
    const session = await inbox.open();
    await session.take([text({ chat: { kind: 'person', ...anna }, sender: null, from_me: true })]);
    const [event] = await session.events();
    expect(event).toMatchObject({ change: 'new', message: { direction: 'out', sender: null, status: 'acked' } });
    expect(await session.chats()).toMatchObject([{ unread: 0 }]);
    expect(await session.usage()).toEqual({ sent: 0, received: 0 });
  });

  it('of history is not told, not unread, and its media are not fetched', async () => {
    const session = await inbox.open();
    const media = { kind: 'image', media_type: 'image/jpeg', size: 3 };
    await session.take([from(anna, { is_history: true, type: 'image', media })]);
    expect(await session.events()).toEqual([]);
    const [chat] = await session.chats();
    expect(chat).toMatchObject({ unread: 0, last_message: { status: 'read', media: { status: 'failed' } } });
  });

  it('has its media waiting', async () => {
    const session = await inbox.open();
    const media = { kind: 'image', media_type: 'image/jpeg', size: 3, sha256: Buffer.alloc(32).toString('base64') };
    await session.take([from(anna, { type: 'image', content: { caption: 'x' }, media })]);
    const [event] = await session.events();
    expect(event?.message.media).toMatchObject({ kind: 'image', size: 3, status: 'pending', file_name: null });
  });
});

describe('a message that cannot be read yet', () => {
  const stub = (item: TestItem): TestItem => ({
    ...item,
    type: 'undecryptable',
    content: {},
    proto: null,
    is_stub: true,
  });

  it('is told, and resolved by its content', async () => {
    const session = await inbox.open();
    const item = from(anna, { content: { text: 'late' } });
    await session.take([stub(item)]);
    await session.take([stub(item), item]);
    await session.take([item, stub(item)]);
    const events = await session.events();
    expect(events.map(({ change, message }) => [change, message.type])).toEqual([
      ['new', 'undecryptable'],
      ['resolved', 'text'],
    ]);
    expect(await session.chats()).toMatchObject([{ unread: 1 }]);
    expect(await session.usage()).toEqual({ sent: 0, received: 1 });
  });

  it('goes when it was no message', async () => {
    const session = await inbox.open();
    const item = from(anna);
    await session.take([stub(item)]);
    await session.take([{ ...item, type: 'protocol', content: {} }]);
    expect((await session.events()).map(({ change }) => change)).toEqual(['new', 'deleted']);
    expect(await session.messages()).toEqual([]);
  });

  it('takes no content from somebody else of the group', async () => {
    const session = await inbox.open();
    const chat = { kind: 'group' as const, group_id: '120363' };
    const item = text({ chat, sender: anna });
    await session.take([stub(item)]);
    await session.take([{ ...item, sender: { lid: '666' }, content: { text: 'forged' } }]);
    expect(await session.messages()).toMatchObject([{ type: 'undecryptable' }]);
  });
});

describe('edits and deletions', () => {
  const act = (type: 'edit' | 'delete', target: TestItem, item: Partial<TestItem> = {}): TestItem => ({
    ...text({ chat: target.chat, sender: target.sender, from_me: target.from_me }),
    type,
    content: { message_id: target.message_id, ...(type === 'edit' && { text: 'better' }) },
    at: '2026-01-01T00:01:00.000Z',
    ...item,
  });

  it('change what they name, whichever comes first', async () => {
    const session = await inbox.open();
    const [one, two] = [from(anna), from(anna, { type: 'image', content: { caption: 'old' } })];
    await session.take([one, act('edit', two)]);
    await session.take([act('edit', one), two]);
    const messages = await session.messages();
    expect(messages.find(({ message_id }) => message_id === one.message_id)?.content).toEqual({ text: 'better' });
    expect(messages.find(({ message_id }) => message_id === two.message_id)?.content).toEqual({ caption: 'better' });
    expect((await session.events()).map(({ change, message }) => [change, message.message_id])).toEqual([
      ['new', one.message_id],
      ['edited', one.message_id],
      ['new', two.message_id],
    ]);
  });

  it('an older edit that comes later changes nothing', async () => {
    const session = await inbox.open();
    const one = from(anna);
    const older = act('edit', one, { at: '2026-01-01T00:00:30.000Z' });
    await session.take([one]);
    await session.take([{ ...act('edit', one), content: { message_id: one.message_id, text: 'last' } }]);
    await session.take([{ ...older, content: { message_id: one.message_id, text: 'first' } }]);
    expect(await session.messages()).toMatchObject([{ content: { text: 'last' } }]);
  });

  it('a deletion leaves no text behind, and told once', async () => {
    const session = await inbox.open();
    const one = from(anna, { content: { text: 'secret' } });
    const deletion = act('delete', one);
    await session.take([one]);
    await session.take([act('edit', one)]);
    await session.take([deletion]);
    await session.take([deletion]);
    expect((await session.events()).map(({ change }) => change)).toEqual(['new', 'edited', 'deleted']);
    expect(await session.messages()).toMatchObject([{ content: {}, deleted_at: expect.any(String) as string }]);
    expect(JSON.stringify(await session.rows())).not.toMatch(/secret|better/);
  });

  it('of somebody else change nothing, unless an admin of the group deletes', async () => {
    const session = await inbox.open();
    const chat = { kind: 'group' as const, group_id: '120363' };
    const one = text({ chat, sender: anna, content: { text: 'stays' } });
    await session.take([one]);
    const other = { lid: '1002' };
    await session.take([act('edit', one, { sender: other }), act('delete', one, { sender: other })]);
    expect(await session.messages()).toMatchObject([{ content: { text: 'stays' }, deleted_at: null }]);
    await session.takeGroups([
      {
        group_id: '120363',
        subject: 'G',
        participants: [
          { ...anna, role: 'member' },
          { ...other, role: 'admin' },
        ],
      },
    ]);
    await session.take([act('delete', one, { sender: other })]);
    expect(await session.messages()).toMatchObject([{ content: {} }]);
  });

  it('of the other person cannot touch what we sent', async () => {
    const session = await inbox.open();
    const ours = text({ chat: { kind: 'person', ...anna }, sender: null, from_me: true });
    await session.take([ours, act('delete', ours, { sender: anna, from_me: false })]);
    expect(await session.messages()).toMatchObject([{ deleted_at: null }]);
  });
});

describe('reactions', () => {
  it('are messages of their own, and the last of each shows on what they are about', async () => {
    const session = await inbox.open();
    const one = from(anna);
    const react = (emoji: string | null, at: string): TestItem =>
      from(anna, { type: 'reaction', content: { message_id: one.message_id, emoji }, at });
    await session.take([one, react('👍', '2026-01-01T00:01:00Z')]);
    const reactions = async () =>
      (await session.messages()).find(({ message_id }) => message_id === one.message_id)?.reactions;
    expect(await reactions()).toMatchObject([{ emoji: '👍', sender: anna }]);
    await session.take([react('❤️', '2026-01-01T00:02:00Z')]);
    expect(await reactions()).toMatchObject([{ emoji: '❤️' }]);
    await session.take([react(null, '2026-01-01T00:03:00Z')]);
    expect(await reactions()).toEqual([]);
    expect(await session.chats()).toMatchObject([{ unread: 1, last_message: { message_id: one.message_id } }]);
  });
});

describe('the journal', () => {
  it('answers a stanza with what it brought, to its own sender alone', async () => {
    const session = await inbox.open();
    const item = from(anna, { proto: Buffer.from('plain').toString('base64') });
    const { chat, message_id } = item;
    const ask = (sender: { lid?: string; phone?: string }, of = chat) =>
      session.journaled({ chat: of, sender, from_me: false, message_id });
    expect(await ask({ lid: anna.lid })).toBeNull();
    await session.take([item]);
    expect(await ask({ lid: anna.lid }, { kind: 'person', lid: anna.lid })).toEqual({ proto: item.proto });
    expect(await ask({ phone: anna.phone }, { kind: 'person', phone: anna.phone })).toEqual({ proto: item.proto });
    expect(await ask({ lid: '666' }, { kind: 'person', lid: '666' })).toBeNull();
    const other = await inbox.open();
    expect(await other.journaled({ chat, sender: anna, from_me: false, message_id })).toBeNull();
  });
});

describe('another session', () => {
  it('has none of it', async () => {
    const [mine, theirs] = [await inbox.open(), await inbox.open()];
    const item = from(anna);
    await mine.take([item]);
    const [message] = await mine.messages();
    expect(await theirs.messages()).toEqual([]);
    expect(await theirs.messages(message?.chat.chat_id)).toEqual([]);
    expect(await theirs.message(message!.id)).toBeNull();
    expect(await theirs.message(item.message_id)).toBeNull();
    expect(await theirs.chats()).toEqual([]);
    expect(await theirs.contacts()).toEqual([]);
  });

  it('gives its files to the worker that holds it alone', async () => {
    const session = await inbox.open();
    const media = { kind: 'image', media_type: 'image/jpeg', size: 3 };
    await session.take([from(anna, { type: 'image', media })]);
    expect(await session.claim(10, randomUUID())).toEqual([]);
    expect(await session.claim()).toMatchObject([{ session_id: session.session_id, task: 'download', attempts: 1 }]);
    expect(await session.claim()).toEqual([]);
  });

  it('is not written by who lost its lease', async () => {
    const session = await inbox.open();
    const zombie = { session_id: session.session_id, worker_id: randomUUID(), generation: session.generation };
    await expect(session.takePeopleAs(zombie, [anna])).rejects.toMatchObject({ code: 'lease.lost' });
    await expect(session.takeGroupsAs(zombie, [])).rejects.toMatchObject({ code: 'lease.lost' });
  });
});
