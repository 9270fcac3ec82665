import { randomInt, randomUUID, randomUUIDv7 } from 'node:crypto';
import type { TestDatabase } from './database.ts';
import type { SeededWorkspace } from './seed.ts';

/* What belongs to the WhatsApp gateway, past the verbs and past every policy: no audit, no outbox row, no command to a worker. */

type Owner = Pick<TestDatabase, 'asOwner'>;

export interface SeededSession {
  session_id: string;
  workspace_id: string;
  worker_id: string | null;
  generation: number;
}

/** A number that nobody else has here. */
export const somePhone = (): string => `62${randomInt(1e9, 1e10)}`;

/** A worker that has just beaten. */
export async function seedWorker(
  t: Owner,
  overrides: { url?: string; name?: string; status?: 'alive' | 'draining' | 'dead'; capacity?: number } = {},
): Promise<{ worker_id: string }> {
  const worker_id = randomUUIDv7();
  await t.asOwner(
    `insert into app.whatsapp_workers (id, name, url, version, status, capacity, heartbeat_ms)
     values ($1, $2, $3, '1', $4, $5, 30000)`,
    [
      worker_id,
      overrides.name ?? `seeded-${worker_id}`,
      overrides.url ?? 'http://127.0.0.1:9',
      overrides.status ?? 'alive',
      overrides.capacity ?? 100,
    ],
  );
  return { worker_id };
}

/** A card of this workspace's owner: by default connected, and held by the worker if one is given. */
export async function seedSession(
  t: Owner,
  workspace: SeededWorkspace,
  overrides: { worker_id?: string; name?: string; status?: string; desired_state?: string; phone?: string } = {},
): Promise<SeededSession> {
  const session_id = randomUUIDv7();
  const { worker_id = null } = overrides;
  await t.asOwner(
    `insert into app.whatsapp_sessions
       (id, workspace_id, name, created_by, desired_state, status, phone, worker_id, generation, placed_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, 1, now())`,
    [
      session_id,
      workspace.workspace_id,
      overrides.name ?? 'Seeded session',
      workspace.owner_user_id,
      overrides.desired_state ?? 'connected',
      overrides.status ?? 'connected',
      overrides.phone ?? somePhone(),
      worker_id,
    ],
  );
  return { session_id, workspace_id: workspace.workspace_id, worker_id, generation: 1 };
}

/** This person is a contact of the session. */
export async function seedLink(
  t: Owner,
  session: { session_id: string },
  user: { user_id: string },
): Promise<{ link_id: string; contact_id: string; chat_id: string }> {
  const [link_id, contact_id, chat_id] = [randomUUIDv7(), randomUUIDv7(), randomUUIDv7()];
  await t.asOwner(
    `insert into app.whatsapp_links (id, user_id, session_id, contact_id, chat_id, phone) values ($1, $2, $3, $4, $5, $6)`,
    [link_id, user.user_id, session.session_id, contact_id, chat_id, somePhone()],
  );
  return { link_id, contact_id, chat_id };
}

/** The rest of what the API keeps of a session: a code, a turn that waits, a greeting, a webhook that was taken, a day's usage. */
export async function seedSessionRemains(t: Owner, session: SeededSession, user: { user_id: string }): Promise<void> {
  const { session_id, workspace_id } = session;
  const of_user = [randomUUIDv7(), user.user_id, session_id];
  await t.asOwner(
    `insert into app.whatsapp_link_codes (id, user_id, session_id, code_hash, expires_at)
     values ($1, $2, $3, sha256($1::uuid::text::bytea), now() + interval '10 minutes')`,
    of_user,
  );
  await t.asOwner(
    `insert into app.whatsapp_turns (id, user_id, session_id, chat_id, message_id, content)
     values ($1, $2, $3, gen_random_uuid(), $1::uuid::text, 'Seeded words.')`,
    of_user,
  );
  await t.asOwner(
    `insert into app.whatsapp_sends (id, workspace_id, session_id, message_id, request, request_hash, requested_by)
     values ($1, $2, $3, $1::uuid::text, 'sealed', 'x', $4)`,
    [randomUUIDv7(), workspace_id, session_id, user.user_id],
  );
  await t.asOwner('insert into app.whatsapp_link_misses (session_id, contact_id) values ($1, gen_random_uuid())', [
    session_id,
  ]);
  await t.asOwner('insert into app.whatsapp_greetings (session_id, contact_id) values ($1, gen_random_uuid())', [
    session_id,
  ]);
  await t.asOwner('insert into app.whatsapp_event_receipts (event_id, session_id) values ($1, $2)', [
    randomUUID(),
    session_id,
  ]);
  await t.asOwner(
    `insert into app.whatsapp_usage (workspace_id, session_id, day, sent) values ($1, $2, '2026-01-01', 1)`,
    [workspace_id, session_id],
  );
}

/** A session as its worker knows it, with a row in each table of the schema `wa`: the ids of its chat, contact and message. */
export async function seedSessionState(
  t: Owner,
  session: { session_id: string; worker_id?: string | null; generation?: number } = { session_id: randomUUIDv7() },
): Promise<{ session_id: string; contact_id: string; chat_id: string; message_row_id: string }> {
  const { session_id, worker_id = null, generation = 1 } = session;
  const [contact_id, chat_id, message_row_id] = [randomUUIDv7(), randomUUIDv7(), randomUUIDv7()];
  await t.asOwner('insert into wa.sessions (session_id, worker_id, generation) values ($1, $2, $3)', [
    session_id,
    worker_id,
    generation,
  ]);
  await t.asOwner(
    `insert into wa.signal_keys (session_id, type, id, value, kid) values ($1, 'session', '1.0', '\\x00', 'test')`,
    [session_id],
  );
  await t.asOwner(
    'insert into wa.backups (object_key, session_id, generation, size) values ($1::uuid::text, $1, 1, 1)',
    [session_id],
  );
  await t.asOwner('insert into wa.contacts (id, session_id, lid, phone) values ($1, $2, $3, $4)', [
    contact_id,
    session_id,
    String(randomInt(1e9, 1e10)),
    somePhone(),
  ]);
  await t.asOwner(`insert into wa.chats (id, session_id, kind, contact_id) values ($1, $2, 'person', $3)`, [
    chat_id,
    session_id,
    contact_id,
  ]);
  await seedMessageState(t, { session_id, contact_id, chat_id, message_row_id });
  await t.asOwner(`insert into wa.events (id, session_id, kind, payload) values ($1, $2, 'session-status', '{}')`, [
    randomUUIDv7(),
    session_id,
  ]);
  await t.asOwner(
    'insert into wa.event_relays (session_id, holder, held_until) values ($1, gen_random_uuid(), now())',
    [session_id],
  );
  await t.asOwner(`insert into wa.usage (session_id, day) values ($1, '2026-01-01')`, [session_id]);
  return { session_id, contact_id, chat_id, message_row_id };
}

async function seedMessageState(
  t: Owner,
  ids: { session_id: string; contact_id: string; chat_id: string; message_row_id: string },
): Promise<void> {
  const { session_id, contact_id, chat_id, message_row_id } = ids;
  await t.asOwner(
    `insert into wa.messages (id, session_id, chat_id, message_id, direction, sender_id, type, content, status, at)
     values ($1, $2, $3, $1::uuid::text, 'in', $4, 'image', '{}', 'received', now())`,
    [message_row_id, session_id, chat_id, contact_id],
  );
  await t.asOwner(
    `insert into wa.message_receipts (session_id, message_row_id, contact_id, status, at) values ($1, $2, $3, 'read', now())`,
    [session_id, message_row_id, contact_id],
  );
  await t.asOwner(
    `insert into wa.media (id, session_id, message_row_id, direction, kind, media_type, status)
     values ($1, $2, $3, 'in', 'image', 'image/png', 'stored')`,
    [randomUUIDv7(), session_id, message_row_id],
  );
}
