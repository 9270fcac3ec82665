import { integer, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { app, instant } from '../schema.ts';

export const comments = app.table(
  'comments',
  {
    workspace_id: uuid().notNull(),
    canvas_id: uuid().notNull(),
    id: uuid().notNull(),
    thread_id: uuid(),
    block_id: uuid(),
    text: text().notNull(),
    mentions: uuid().array().notNull().default([]),
    version: integer().notNull().default(1),
    created_by: uuid().notNull(),
    created_at: instant().notNull().defaultNow(),
    updated_at: instant().notNull().defaultNow(),
    edited_at: instant(),
    resolved_at: instant(),
    resolved_by: uuid(),
    deleted_at: instant(),
  },
  (table) => [primaryKey({ columns: [table.workspace_id, table.canvas_id, table.id] })],
);
