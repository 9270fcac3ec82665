import { integer, jsonb, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { sql } from 'drizzle-orm';
import { app, instant } from '../schema.ts';

export const outbox = app.table('outbox', {
  id: uuid().primaryKey(),
  topic: text().notNull(),
  workspace_id: uuid(),
  user_id: uuid(),
  payload: jsonb().$type<Record<string, unknown>>().notNull(),
  traceparent: text(),
  request_id: text(),
  created_at: instant().notNull().defaultNow(),
  available_at: instant().notNull().defaultNow(),
});

export const idempotency_keys = app.table(
  'idempotency_keys',
  {
    user_id: uuid().notNull(),
    key: text().notNull(),
    operation: text().notNull(),
    request_hash: text().notNull(),
    result: jsonb(),
    created_at: instant().notNull().defaultNow(),
    expires_at: instant()
      .notNull()
      .default(sql`now() + interval '24 hours'`),
  },
  (table) => [primaryKey({ columns: [table.user_id, table.key] })],
);

export const audit_logs = app.table('audit_logs', {
  id: uuid().primaryKey(),
  workspace_id: uuid(),
  actor_type: text({ enum: ['user', 'system'] }).notNull(),
  actor_user_id: uuid(),
  action: text().notNull(),
  target_type: text().notNull(),
  target_id: text().notNull(),
  canvas_id: uuid(),
  before: jsonb(),
  after: jsonb(),
  request_id: text(),
  created_at: instant().notNull().defaultNow(),
  reason: text(),
});

export const system_health = app.table(
  'system_health',
  {
    service: text().notNull(),
    instance_id: text().notNull(),
    version: text().notNull(),
    status: text({ enum: ['ok', 'degraded', 'draining'] }).notNull(),
    checks: jsonb().notNull(),
    started_at: instant().notNull(),
    reported_at: instant().notNull(),
  },
  (table) => [primaryKey({ columns: [table.service, table.instance_id] })],
);

export const released_objects = app.table('released_objects', {
  object_key: text().primaryKey(),
  due_at: instant().notNull(),
});

export const mail_deliveries = app.table('mail_deliveries', {
  outbox_id: uuid().primaryKey(),
  workspace_id: uuid(),
  template: text().notNull(),
  reference: text().notNull(),
  status: text({ enum: ['sending', 'sent', 'parked', 'dropped'] })
    .notNull()
    .default('sending'),
  attempts: integer().notNull().default(1),
  reason: text(),
  created_at: instant().notNull().defaultNow(),
  updated_at: instant().notNull().defaultNow(),
});
