import { randomUUID } from 'node:crypto';
import { createDb } from '../client.ts';
import {
  claimMedia,
  findJournaled,
  takeGroups,
  takePeople,
  type Group,
  type Person,
  type StanzaRef,
} from '../wa/inbound-queries.ts';
import { getMessage, listChats, listContacts, listMessages } from '../wa/message-queries.ts';
import { commitLog, takeLease, type LeaseHolder } from '../wa/state-queries.ts';
import type { TestDatabase } from './database.ts';

interface Ids {
  lid?: string;
  phone?: string;
  name?: string;
}

/** As `apps/wa-worker/src/inbound/item.ts` has it. */
export interface TestItem {
  chat: Ids & { kind: 'person' | 'group' | 'broadcast'; group_id?: string };
  sender: Ids | null;
  from_me: boolean;
  message_id: string;
  at: string;
  type: string;
  content: Record<string, unknown>;
  proto: string | null;
  media?: object;
  is_stub?: boolean;
  is_history?: boolean;
}

export interface TestContact {
  contact_id: string;
  lid: string | null;
  phone: string | null;
}
export interface TestMessage {
  id: string;
  message_id: string;
  chat: { chat_id: string; contact: TestContact | null };
  sender: TestContact | null;
  direction: string;
  type: string;
  status: string;
  content: Record<string, unknown>;
  media: { status: string } | null;
  reactions: unknown[];
  deleted_at: string | null;
}
export interface TestEvent {
  change: string;
  generation: number;
  message: TestMessage;
}

/** A message of text, with an id that no other has. */
export const text = (item: Pick<TestItem, 'chat' | 'sender'> & Partial<TestItem>): TestItem => ({
  from_me: false,
  message_id: randomUUID(),
  at: '2026-01-01T00:00:00.000Z',
  type: 'text',
  content: { text: 'hello' },
  proto: Buffer.from('proto').toString('base64'),
  ...item,
});

export type Inbox = ReturnType<typeof openInbox>;

/** Sessions as a worker has them, as its role. */
export function openInbox(t: TestDatabase) {
  const db = createDb({ url: t.wa_url, pool_size: 4, timeout_ms: 10_000, prepare: true, application_name: 'test' });

  async function open() {
    const holder: LeaseHolder = { session_id: randomUUID(), worker_id: randomUUID(), generation: 3 };
    const { session_id, worker_id } = holder;
    const { epoch } = await takeLease(db, holder, 15_000, null);
    let position = 0;
    return {
      ...holder,
      db,
      async take(inbound: unknown[]) {
        const group = { epoch, position: (position += 1), types: [], ids: [], values: [], creds: null, kid: 'k' };
        return (await commitLog(db, holder, { ...group, batch: { inbound } })).inbound ?? [];
      },
      takePeople: (people: Person[]) => takePeople(db, holder, people),
      takePeopleAs: (as: LeaseHolder, people: Person[]) => takePeople(db, as, people),
      takeGroups: (groups: Group[]) => takeGroups(db, holder, groups),
      takeGroupsAs: (as: LeaseHolder, groups: Group[]) => takeGroups(db, as, groups),
      journaled: (stanza: StanzaRef) => findJournaled(db, session_id, stanza),
      claim: (limit = 10, as = worker_id) => claimMedia(db, as, [session_id], [], limit),
      /** In the order in which they are delivered. */
      async events(): Promise<TestEvent[]> {
        const rows = await t.asOwner<{ payload: TestEvent }>(
          `select payload from wa.events where session_id = $1 and kind = 'message-inbound' order by seq`,
          [session_id],
        );
        return rows.map(({ payload }) => payload);
      },
      chats: () => listChats<TestMessage['chat'] & { kind: string }, TestMessage>(db, session_id, undefined, 100),
      contacts: () => listContacts<TestContact>(db, session_id, undefined, 1_000),
      message: (id: string) => getMessage<TestMessage>(db, session_id, id),
      messages: async (chat_id?: string) =>
        (await listMessages<TestMessage>(db, { session_id, chat_id, limit: 1_000 })).map(({ message }) => message),
      /** Everything that is kept of messages. */
      rows: () =>
        t.asOwner<Record<string, unknown>>('select m.* from wa.messages m where session_id = $1 order by seq', [
          session_id,
        ]),
      async usage() {
        const [row] = await t.asOwner<{ sent: string; received: string }>(
          'select coalesce(sum(sent), 0) as sent, coalesce(sum(received), 0) as received from wa.usage where session_id = $1',
          [session_id],
        );
        return { sent: Number(row?.sent), received: Number(row?.received) };
      },
    };
  }
  return { db, open, close: () => db.end() };
}
