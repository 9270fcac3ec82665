import { integer, json, jsonb, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { app, counter, instant } from '../schema.ts';

export const canvases = app.table('canvases', {
  id: uuid().primaryKey(),
  workspace_id: uuid().notNull(),
  title: text().notNull(),
  icon: text(),
  version: integer().notNull().default(1),
  created_by: uuid().notNull(),
  archived_at: instant(),
  created_at: instant().notNull().defaultNow(),
  updated_at: instant().notNull().defaultNow(),
});

export const canvas_access = app.table(
  'canvas_access',
  {
    workspace_id: uuid().notNull(),
    canvas_id: uuid().notNull(),
    user_id: uuid().notNull(),
    role: text({ enum: ['admin', 'editor', 'commenter', 'viewer'] }).notNull(),
    invited_by: uuid().notNull(),
    created_at: instant().notNull().defaultNow(),
    updated_at: instant().notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.workspace_id, table.canvas_id, table.user_id] })],
);

export const canvas_heads = app.table('canvas_heads', {
  canvas_id: uuid().primaryKey(),
  workspace_id: uuid().notNull(),
  epoch: uuid().notNull().defaultRandom(),
  seq: counter().notNull().default(0),
  min_seq: counter().notNull().default(0),
  access_version: counter().notNull().default(0),
  rebalance_queued_at: instant(),
  thinned_seq: counter().notNull().default(0),
});

export const blocks = app.table(
  'blocks',
  {
    workspace_id: uuid().notNull(),
    canvas_id: uuid().notNull(),
    id: uuid().notNull(),
    parent_id: uuid(),
    type: text().notNull(),
    content: jsonb().$type<Record<string, unknown>>().notNull(),
    rank: text().notNull(),
    version: integer().notNull().default(1),
    created_by: uuid().notNull(),
    updated_by: uuid().notNull(),
    created_at: instant().notNull().defaultNow(),
    updated_at: instant().notNull().defaultNow(),
    deleted_at: instant(),
    trashed_with: uuid(),
  },
  (table) => [primaryKey({ columns: [table.workspace_id, table.canvas_id, table.id] })],
);

export const block_versions = app.table(
  'block_versions',
  {
    workspace_id: uuid().notNull(),
    canvas_id: uuid().notNull(),
    block_id: uuid().notNull(),
    version: integer().notNull(),
    seq: counter().notNull(),
    op: text({ enum: ['create', 'edit', 'move', 'delete', 'restore', 'copy'] }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.workspace_id, table.canvas_id, table.block_id, table.version] })],
);
export const departed_versions = app.table(
  'departed_versions',
  {
    workspace_id: uuid().notNull(),
    canvas_id: uuid().notNull(),
    block_id: uuid().notNull(),
    seq: counter().notNull(),
    due_at: instant().notNull(),
  },
  (table) => [primaryKey({ columns: [table.workspace_id, table.canvas_id, table.block_id, table.seq] })],
);

export const canvas_events = app.table(
  'canvas_events',
  {
    workspace_id: uuid().notNull(),
    canvas_id: uuid().notNull(),
    seq: counter().notNull(),
    type: text().notNull(),
    mutation_id: uuid(),
    request_hash: text(),
    actor_user_id: uuid(),
    request_id: text().notNull(),
    payload: json().$type<Record<string, unknown>>().notNull(),
    created_at: instant().notNull(),
  },
  (table) => [primaryKey({ columns: [table.workspace_id, table.canvas_id, table.seq] })],
);

export const attachments = app.table(
  'attachments',
  {
    workspace_id: uuid().notNull(),
    canvas_id: uuid().notNull(),
    id: uuid().notNull(),
    object_key: text().notNull(),
    name: text().notNull(),
    media_type: text().notNull(),
    size: counter().notNull(),
    status: text({ enum: ['pending', 'ready'] })
      .notNull()
      .default('pending'),
    created_by: uuid().notNull(),
    created_at: instant().notNull().defaultNow(),
    ready_at: instant(),
    checked_at: instant().notNull().defaultNow(),
    unreferenced_since: instant(),
  },
  (table) => [primaryKey({ columns: [table.workspace_id, table.canvas_id, table.id] })],
);
