import { boolean, integer, jsonb, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { sql } from 'drizzle-orm';
import { app, counter, instant } from '../schema.ts';

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
