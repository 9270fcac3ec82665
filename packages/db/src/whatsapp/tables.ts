import { bigint, boolean, customType, date, integer, jsonb, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { app, counter, instant } from '../schema.ts';

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

export const whatsapp_workers = app.table('whatsapp_workers', {
  id: uuid().primaryKey(),
  name: text().notNull(),
  url: text().notNull(),
  version: text().notNull(),
  status: text({ enum: ['alive', 'draining', 'dead'] })
    .notNull()
    .default('alive'),
  capacity: integer().notNull(),
  sessions: integer().notNull().default(0),
  load: jsonb().notNull().default({}),
  heartbeat_ms: integer().notNull(),
  heartbeat_at: instant().notNull().defaultNow(),
  registered_at: instant().notNull().defaultNow(),
});

export const whatsapp_sessions = app.table('whatsapp_sessions', {
  id: uuid().primaryKey(),
  workspace_id: uuid().notNull(),
  name: text().notNull(),
  created_by: uuid().notNull(),
  desired_state: text({ enum: ['disconnected', 'connected', 'logged_out', 'deleted'] })
    .notNull()
    .default('disconnected'),
  status: text({
    enum: [
      'created',
      'connecting',
      'pairing',
      'connected',
      'disconnected',
      'logged_out',
      'banned',
      'replaced',
      'failed',
    ],
  })
    .notNull()
    .default('created'),
  status_reason: text(),
  close_code: integer(),
  status_at: instant().notNull().defaultNow(),
  qr_serial: integer(),
  qr_expires_at: instant(),
  status_generation: counter().notNull().default(0),
  status_seq: counter().notNull().default(0),
  phone: text(),
  lid: text(),
  profile_name: text(),
  worker_id: uuid(),
  generation: counter().notNull().default(0),
  placed_at: instant(),
  login: jsonb(),
  intent: integer().notNull().default(0),
  asked_intent: integer().notNull().default(0),
  settled_intent: integer().notNull().default(0),
  end_intent: integer().notNull().default(0),
  retry_at: instant(),
  settings: jsonb().notNull().default({}),
  unlinked_reply: text(),
  version: integer().notNull().default(1),
  created_at: instant().notNull().defaultNow(),
  updated_at: instant().notNull().defaultNow(),
});

export const whatsapp_links = app.table('whatsapp_links', {
  id: uuid().primaryKey(),
  user_id: uuid().notNull(),
  session_id: uuid().notNull(),
  contact_id: uuid().notNull(),
  chat_id: uuid().notNull(),
  phone: text(),
  lid: text(),
  is_open: boolean().notNull().default(false),
  text_only_at: instant(),
  created_at: instant().notNull().defaultNow(),
});

export const whatsapp_link_codes = app.table('whatsapp_link_codes', {
  id: uuid().primaryKey(),
  user_id: uuid().notNull(),
  session_id: uuid().notNull(),
  code_hash: bytea().notNull(),
  is_open: boolean().notNull().default(false),
  expires_at: instant().notNull(),
  created_at: instant().notNull().defaultNow(),
});

export const whatsapp_link_misses = app.table(
  'whatsapp_link_misses',
  {
    session_id: uuid().notNull(),
    contact_id: uuid().notNull(),
    misses: integer().notNull().default(1),
    began_at: instant().notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.session_id, table.contact_id] })],
);

export const whatsapp_turns = app.table('whatsapp_turns', {
  id: uuid().primaryKey(),
  user_id: uuid().notNull(),
  session_id: uuid().notNull(),
  chat_id: uuid().notNull(),
  message_id: text().notNull(),
  content: text(),
  status: text({ enum: ['pending', 'answered', 'failed'] })
    .notNull()
    .default('pending'),
  error_code: text(),
  workspace_id: uuid(),
  run_id: uuid(),
  attempts: integer().notNull().default(0),
  lease_owner: uuid(),
  lease_until: instant(),
  request_id: text(),
  traceparent: text(),
  created_at: instant().notNull().defaultNow(),
  done_at: instant(),
});

export const whatsapp_greetings = app.table(
  'whatsapp_greetings',
  {
    session_id: uuid().notNull(),
    contact_id: uuid().notNull(),
    created_at: instant().notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.session_id, table.contact_id] })],
);

export const whatsapp_event_receipts = app.table('whatsapp_event_receipts', {
  event_id: uuid().primaryKey(),
  session_id: uuid(),
  received_at: instant().notNull().defaultNow(),
});

export const whatsapp_usage = app.table(
  'whatsapp_usage',
  {
    workspace_id: uuid().notNull(),
    session_id: uuid().notNull(),
    day: date().notNull(),
    sent: counter().notNull().default(0),
    received: counter().notNull().default(0),
    media_bytes: counter().notNull().default(0),
    updated_at: instant().notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.workspace_id, table.session_id, table.day] })],
);

export const whatsapp_sends = app.table('whatsapp_sends', {
  id: uuid().primaryKey(),
  workspace_id: uuid().notNull(),
  session_id: uuid().notNull(),
  message_id: text().notNull(),
  request: text(),
  request_hash: text().notNull(),
  requested_by: uuid().notNull(),
  request_id: text(),
  traceparent: text(),
  status: text({ enum: ['waiting', 'failed'] })
    .notNull()
    .default('waiting'),
  error_code: text(),
  seq: bigint({ mode: 'number' }).generatedAlwaysAsIdentity(),
  created_at: instant().notNull().defaultNow(),
});
