import { sql } from 'drizzle-orm';
import { bigint, boolean, customType, date, integer, jsonb, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { counter, instant, wa } from '../schema.ts';

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

export const sessions = wa.table('sessions', {
  session_id: uuid().primaryKey(),
  generation: counter().notNull().default(0),
  worker_id: uuid(),
  lease_until: instant(),
  log_epoch: counter().notNull().default(0),
  log_position: counter().notNull().default(0),
  creds: bytea(),
  kid: text(),
  status: text().notNull().default('disconnected'),
  status_reason: text(),
  close_code: integer(),
  phone: text(),
  lid: text(),
  linked_at: instant(),
  settings: jsonb().notNull().default({}),
  restricted_until: instant(),
  backed_up_at: instant(),
  changed_at: instant().notNull().defaultNow(),
  created_at: instant().notNull().defaultNow(),
});

export const signal_keys = wa.table(
  'signal_keys',
  {
    session_id: uuid().notNull(),
    type: text().notNull(),
    id: text().notNull(),
    value: bytea().notNull(),
    kid: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.session_id, table.type, table.id] })],
);

export const backups = wa.table('backups', {
  object_key: text().primaryKey(),
  session_id: uuid().notNull(),
  generation: counter().notNull(),
  size: counter().notNull(),
  created_at: instant().notNull().defaultNow(),
});

export const contacts = wa.table('contacts', {
  id: uuid().primaryKey(),
  session_id: uuid().notNull(),
  lid: text(),
  phone: text(),
  name: text(),
  is_business: boolean().notNull().default(false),
  is_on_whatsapp: boolean(),
  checked_at: instant(),
  first_inbound_at: instant(),
  first_outbound_at: instant(),
  created_at: instant().notNull().defaultNow(),
  updated_at: instant().notNull().defaultNow(),
});

export const chats = wa.table('chats', {
  id: uuid().primaryKey(),
  session_id: uuid().notNull(),
  kind: text({ enum: ['person', 'group', 'broadcast'] }).notNull(),
  contact_id: uuid(),
  group_id: text(),
  subject: text(),
  participants: jsonb(),
  refreshed_at: instant(),
  unread: integer().notNull().default(0),
  last_message_at: instant(),
  created_at: instant().notNull().defaultNow(),
});

export const messages = wa.table('messages', {
  id: uuid().primaryKey(),
  session_id: uuid().notNull(),
  chat_id: uuid().notNull(),
  message_id: text().notNull(),
  direction: text({ enum: ['in', 'out'] }).notNull(),
  sender_id: uuid(),
  type: text().notNull(),
  content: jsonb().notNull().default({}),
  proto: bytea(),
  quoted_message_id: text(),
  status: text({ enum: ['received', 'read', 'queued', 'sent', 'acked', 'delivered', 'failed'] }).notNull(),
  error_code: text(),
  at: instant().notNull(),
  sent_at: instant(),
  acked_at: instant(),
  delivered_at: instant(),
  read_at: instant(),
  edited_at: instant(),
  deleted_at: instant(),
  idempotency_key: text(),
  request_hash: text(),
  attempts: integer().notNull().default(0),
  not_before: instant(),
  hold_reason: text(),
  requested_by: uuid(),
  request_id: text(),
  traceparent: text(),
  seq: bigint({ mode: 'number' }).generatedAlwaysAsIdentity(),
  created_at: instant().notNull().defaultNow(),
});

export const message_receipts = wa.table(
  'message_receipts',
  {
    session_id: uuid().notNull(),
    message_row_id: uuid().notNull(),
    contact_id: uuid().notNull(),
    status: text({ enum: ['delivered', 'read', 'played'] }).notNull(),
    at: instant().notNull(),
  },
  (table) => [primaryKey({ columns: [table.session_id, table.message_row_id, table.contact_id] })],
);

export const media = wa.table('media', {
  id: uuid().primaryKey(),
  session_id: uuid().notNull(),
  message_row_id: uuid(),
  direction: text({ enum: ['in', 'out'] }).notNull(),
  kind: text({ enum: ['image', 'video', 'audio', 'voice', 'document', 'sticker'] }).notNull(),
  media_type: text().notNull(),
  file_name: text(),
  size: counter(),
  sha256: bytea(),
  object_key: text(),
  status: text({ enum: ['pending', 'awaited', 'stored', 'failed', 'too_large'] }).notNull(),
  attempts: integer().notNull().default(0),
  next_attempt_at: instant().notNull().defaultNow(),
  error: text(),
  created_at: instant().notNull().defaultNow(),
});

export const events = wa.table('events', {
  id: uuid().primaryKey(),
  seq: bigint({ mode: 'number' }).generatedAlwaysAsIdentity(),
  session_id: uuid().notNull(),
  kind: text({ enum: ['session-status', 'message-status', 'message-inbound', 'session-usage'] }).notNull(),
  worker_id: uuid(),
  payload: jsonb().notNull(),
  attempts: integer().notNull().default(0),
  next_attempt_at: instant().notNull().defaultNow(),
  refused: integer().notNull().default(0),
  expires_at: instant()
    .notNull()
    .default(sql`now() + '3 days'::interval`),
  dead_at: instant(),
  last_error: text(),
  request_id: text(),
  traceparent: text(),
  created_at: instant().notNull().defaultNow(),
});

export const event_relays = wa.table('event_relays', {
  session_id: uuid().primaryKey(),
  holder: uuid().notNull(),
  held_until: instant().notNull(),
});

export const usage = wa.table(
  'usage',
  {
    session_id: uuid().notNull(),
    day: date().notNull(),
    sent: counter().notNull().default(0),
    received: counter().notNull().default(0),
    media_bytes: counter().notNull().default(0),
    cold_sent: integer().notNull().default(0),
    changed_at: instant().notNull().defaultNow(),
    reported_at: instant(),
  },
  (table) => [primaryKey({ columns: [table.session_id, table.day] })],
);
