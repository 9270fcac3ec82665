import { randomUUID } from 'node:crypto';
import { createDb, type Db } from '../../client.ts';
import { createTestDatabase, type TestDatabase } from '../../testing/database.ts';
import { enqueueMessage, type Enqueued, type NewOutboxMessage } from '../outbox-queries.ts';
import { commitLog, takeLease, type LeaseHolder } from '../state-queries.ts';

/** A session whose lease is held, and its log. */
export interface HeldLease extends LeaseHolder {
  enqueue(message?: Partial<NewOutboxMessage>): Promise<Enqueued>;
  /** Writes a group of the log. */
  commit(batch: { inbound?: unknown[]; statuses?: unknown[]; session?: object }): Promise<unknown>;
}

export interface OutboxKit extends AsyncDisposable {
  t: TestDatabase;
  /** As wa_user. */
  db: Db;
  hold(): Promise<HeldLease>;
  /** Events of a session, the oldest first. */
  events(session_id: string): Promise<{ kind: string; payload: Record<string, unknown> }[]>;
}

let numbers = 6_281_000_000_000;
export const newPhone = (): string => String(++numbers);

const text_to = (phone: string): NewOutboxMessage => ({
  id: randomUUID(),
  message_id: `3EB0${randomUUID().replaceAll('-', '').slice(0, 18).toUpperCase()}`,
  idempotency_key: randomUUID(),
  request_hash: 'hash',
  to: { phone },
  content: { type: 'text', text: 'Hello' },
  reply_to: null,
  requested_by: null,
  request_id: 'request',
  traceparent: null,
  queue_limit: 1_000,
});

export async function startOutboxKit(): Promise<OutboxKit> {
  const t = await createTestDatabase();
  const db = createDb({ url: t.wa_url, pool_size: 8, timeout_ms: 10_000, prepare: true, application_name: 'test' });
  return {
    t,
    db,
    async hold() {
      const holder = { session_id: randomUUID(), worker_id: randomUUID(), generation: 1 };
      const { epoch } = await takeLease(db, holder, 15_000, null);
      let position = 0;
      return {
        ...holder,
        enqueue: (message = {}) => enqueueMessage(db, holder, { ...text_to(newPhone()), ...message }),
        commit: (batch) =>
          commitLog(db, holder, {
            ...{ epoch, position: (position += 1), types: [], ids: [], values: [], creds: null, kid: 'k' },
            batch,
          }),
      };
    },
    events: (session_id) =>
      t.asOwner('select kind, payload from wa.events where session_id = $1 order by seq', [session_id]),
    async [Symbol.asyncDispose]() {
      await db.end();
      await t.drop();
    },
  };
}

/** A message that came in, for `commit({ inbound })`. */
export const inboundText = (phone: string, message_id: string, more: object = {}) => ({
  chat: { kind: 'person', phone },
  sender: { phone },
  from_me: false,
  message_id,
  at: new Date().toISOString(),
  type: 'text',
  content: { text: 'Hi' },
  proto: Buffer.from('proto').toString('base64'),
  ...more,
});
