import { integer, json, text, uuid } from 'drizzle-orm/pg-core';
import { app, instant } from '../schema.ts';

export const webhooks = app.table('webhooks', {
  id: uuid().primaryKey(),
  workspace_id: uuid().notNull(),
  url: text().notNull(),
  description: text().notNull().default(''),
  event_types: text().array().notNull().default([]),
  secret: text().notNull(),
  previous_secret: text(),
  previous_secret_expires_at: instant(),
  status: text({ enum: ['enabled', 'disabled'] })
    .notNull()
    .default('enabled'),
  disabled_reason: text({ enum: ['manual', 'gone', 'failing', 'creator_left'] }),
  disabled_at: instant(),
  consecutive_failures: integer().notNull().default(0),
  failing_since: instant(),
  lease_holder: uuid(),
  lease_until: instant(),
  created_by: uuid().notNull(),
  created_at: instant().notNull().defaultNow(),
  updated_at: instant().notNull().defaultNow(),
  disabled_mail_at: instant(),
});

export const webhook_deliveries = app.table('webhook_deliveries', {
  id: uuid().primaryKey(),
  workspace_id: uuid().notNull(),
  webhook_id: uuid().notNull(),
  event_type: text().notNull(),
  payload: json().notNull(),
  status: text({ enum: ['pending', 'delivered', 'failed'] })
    .notNull()
    .default('pending'),
  attempts: integer().notNull().default(0),
  step: integer().notNull().default(0),
  next_attempt_at: instant(),
  first_attempt_at: instant(),
  last_attempt_at: instant(),
  last_status: integer(),
  last_latency_ms: integer(),
  last_error: text(),
  response_excerpt: text(),
  created_at: instant().notNull().defaultNow(),
});
