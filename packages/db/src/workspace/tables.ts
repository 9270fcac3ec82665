import { boolean, integer, jsonb, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { sql } from 'drizzle-orm';
import { app, counter, instant } from '../schema.ts';
import type { RateLimitSetting } from './settings-queries.ts';

export const workspaces = app.table('workspaces', {
  id: uuid().primaryKey(),
  name: text().notNull(),
  icon: text(),
  owner_user_id: uuid().notNull(),
  is_personal: boolean().notNull().default(false),
  access_version: counter().notNull().default(0),
  created_at: instant().notNull().defaultNow(),
  updated_at: instant().notNull().defaultNow(),
  deleted_at: instant(),
  seat_limit: integer().notNull().default(1000),
  version: integer().notNull().default(1),
});

export const workspace_members = app.table(
  'workspace_members',
  {
    workspace_id: uuid().notNull(),
    user_id: uuid().notNull(),
    role: text({ enum: ['admin', 'member', 'guest'] }).notNull(),
    created_at: instant().notNull().defaultNow(),
    updated_at: instant().notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.workspace_id, table.user_id] })],
);

export const transfers = app.table('transfers', {
  id: uuid().primaryKey(),
  workspace_id: uuid().notNull(),
  kind: text({ enum: ['export', 'import'] }).notNull(),
  status: text({ enum: ['awaiting_upload', 'queued', 'running', 'finished', 'failed'] }).notNull(),
  object_key: text(),
  size: counter(),
  done: integer().notNull().default(0),
  total: integer(),
  problems: jsonb()
    .notNull()
    .default(sql`'[]'`),
  failure: jsonb(),
  created_by: uuid().notNull(),
  request_id: text(),
  created_at: instant().notNull().defaultNow(),
  updated_at: instant().notNull().defaultNow(),
  started_at: instant(),
  finished_at: instant(),
  expires_at: instant().notNull(),
});

export const workspace_settings = app.table('workspace_settings', {
  workspace_id: uuid().primaryKey(),
  cors_origins: text().array().notNull().default([]),
  rate_limits: jsonb().$type<RateLimitSetting[]>().notNull().default([]),
  locale: text({ enum: ['en', 'id'] })
    .notNull()
    .default('en'),
  time_zone: text().notNull().default('UTC'),
  invite_domains: text().array().notNull().default([]),
  features: jsonb().$type<Record<string, boolean>>().notNull().default({}),
  version: integer().notNull().default(1),
  updated_at: instant().notNull().defaultNow(),
});

export const invitations = app.table('invitations', {
  id: uuid().primaryKey(),
  workspace_id: uuid().notNull(),
  canvas_id: uuid(),
  type: text({ enum: ['USER_ID', 'EMAIL'] }).notNull(),
  user_id: uuid(),
  email: text(),
  role: text().notNull(),
  token_hash: text().notNull(),
  status: text({ enum: ['pending', 'accepted', 'rejected', 'revoked', 'expired'] })
    .notNull()
    .default('pending'),
  expires_at: instant().notNull(),
  invited_by: uuid().notNull(),
  sent_count: integer().notNull().default(1),
  last_sent_at: instant().notNull().defaultNow(),
  responded_at: instant(),
  accepted_by: uuid(),
  created_at: instant().notNull().defaultNow(),
  updated_at: instant().notNull().defaultNow(),
});
