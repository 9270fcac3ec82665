import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openInbox, text, type Inbox, type TestItem } from '../testing/inbox.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';

/*
 * Whatever the server repeats, reorders or calls people by: each message is there once, each person is one contact, and the last
 * word on a message is what stands.
 */

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

const PEOPLE = [1, 2, 3].map((n) => ({ lid: `${n}00`, phone: `6281200${n}` }));
const RUNS = Number(process.env['FC_RUNS'] ?? 60);

interface Said {
  person: number;
  is_group: boolean;
  /** What becomes of it. */
  then: 'stays' | 'edited' | 'deleted' | 'resolved';
}
/** One stanza on its way: which message, what of it, and how its sender is called. */
interface Stanza {
  message: number;
  part: 'content' | 'stub' | 'change';
  name: 'lid' | 'phone' | 'both';
}

const said = fc.record<Said>({
  person: fc.nat(PEOPLE.length - 1),
  is_group: fc.boolean(),
  then: fc.constantFrom('stays', 'edited', 'deleted', 'resolved'),
});
const name = fc.constantFrom<Stanza['name']>('lid', 'phone', 'both');

/** Every stanza that there is, in any order, each once to three times, cut into batches. */
const story = fc.array(said, { minLength: 1, maxLength: 6 }).chain((messages) => {
  const parts = messages.flatMap(({ then }, message): Omit<Stanza, 'name'>[] => [
    { message, part: 'content' },
    ...(then === 'resolved' ? [{ message, part: 'stub' as const }] : []),
    ...(then === 'edited' || then === 'deleted' ? [{ message, part: 'change' as const }] : []),
  ]);
  const repeated = fc
    .tuple(...parts.map((part) => fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => ({ part, names }))))
    .map((all) => all.flatMap(({ part, names }) => names.map((called): Stanza => ({ ...part, name: called }))));
  return fc.record({
    messages: fc.constant(messages),
    stanzas: repeated.chain((all) => fc.shuffledSubarray(all, { minLength: all.length })),
    cuts: fc.array(fc.nat(4), { minLength: 1, maxLength: 8 }),
  });
});

function itemOf(messages: Said[], { message, part, name: called }: Stanza): TestItem {
  const { person, is_group, then } = messages[message]!;
  const { lid, phone } = PEOPLE[person]!;
  const sender = { ...(called !== 'phone' && { lid }), ...(called !== 'lid' && { phone }) };
  const chat = is_group ? { kind: 'group' as const, group_id: '120363' } : { kind: 'person' as const, ...sender };
  const item = text({ chat, sender, message_id: `M${message}`, content: { text: `said ${message}` } });
  if (part === 'stub') return { ...item, type: 'undecryptable', content: {}, proto: null };
  if (part === 'content') return item;
  const change = { ...item, message_id: `C${message}`, at: '2026-01-01T01:00:00.000Z' };
  if (then === 'deleted') return { ...change, type: 'delete', content: { message_id: `M${message}` } };
  return { ...change, type: 'edit', content: { message_id: `M${message}`, text: `edited ${message}` } };
}

it('any order and repetition of stanzas comes to the same', async () => {
  await fc.assert(
    fc.asyncProperty(story, async ({ messages, stanzas, cuts }) => {
      const session = await inbox.open();
      const items = stanzas.map((stanza) => itemOf(messages, stanza));
      for (let at = 0, i = 0; at < items.length; i++) {
        const size = 1 + cuts[i % cuts.length]!;
        await session.take(items.slice(at, at + size));
        at += size;
      }
      // In the end both names of everybody are known.
      await session.takePeople(PEOPLE);

      const rows = await session.messages();
      expect(rows.map(({ message_id }) => message_id).toSorted()).toEqual(messages.map((_, i) => `M${i}`).toSorted());
      for (const [i, { then, person, is_group }] of messages.entries()) {
        const row = rows.find(({ message_id }) => message_id === `M${i}`)!;
        const expected = { edited: `edited ${i}`, deleted: undefined, stays: `said ${i}`, resolved: `said ${i}` }[then];
        expect(row.content['text'], then).toBe(expected);
        expect(row.sender).toMatchObject(PEOPLE[person]!);
        expect(row.chat.contact).toEqual(is_group ? null : row.sender);
      }
      expect(await session.contacts()).toHaveLength(PEOPLE.length);
      const rooms = new Set(messages.map(({ person, is_group }) => (is_group ? 'group' : person)));
      const chats = await session.chats();
      expect(chats).toHaveLength(rooms.size);
      expect(chats.reduce((sum, { unread }) => sum + unread, 0)).toBe(messages.length);
    }),
    { numRuns: RUNS },
  );
});

it('who is called by one name throughout is told of once for each thing that happened', async () => {
  await fc.assert(
    fc.asyncProperty(story, async ({ messages, stanzas, cuts }) => {
      const session = await inbox.open();
      const items = stanzas.map((stanza) => itemOf(messages, { ...stanza, name: 'both' }));
      for (let at = 0, i = 0; at < items.length; i++) {
        const size = 1 + cuts[i % cuts.length]!;
        await session.take(items.slice(at, at + size));
        at += size;
      }
      const seen = (await session.events()).map(({ change, message }) => `${change} ${message.message_id}`);
      expect(seen.length).toBe(new Set(seen).size);
      for (const i of messages.keys()) expect(seen.filter((one) => one === `new M${i}`)).toHaveLength(1);
    }),
    { numRuns: RUNS },
  );
});
