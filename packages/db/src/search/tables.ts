import { customType, text, uuid } from 'drizzle-orm/pg-core';
import { app, instant } from '../schema.ts';

const tsvector = customType<{ data: string }>({ dataType: () => 'tsvector' });

export const search_documents = app.table('search_documents', {
  workspace_id: uuid().notNull(),
  canvas_id: uuid().notNull(),
  block_id: uuid(),
  type: text(),
  document: tsvector().notNull(),
  updated_at: instant().notNull(),
});
