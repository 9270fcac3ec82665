import { customType, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { app, counter, instant } from '../schema.ts';

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

export const share_links = app.table(
  'share_links',
  {
    workspace_id: uuid().notNull(),
    canvas_id: uuid().notNull(),
    id: uuid().notNull(),
    token_hash: bytea().notNull(),
    last_four: text().notNull(),
    password_hash: text(),
    expires_at: instant(),
    created_by: uuid().notNull(),
    created_at: instant().notNull().defaultNow(),
    last_used_at: instant(),
    use_count: counter().notNull().default(0),
  },
  (table) => [primaryKey({ columns: [table.workspace_id, table.canvas_id, table.id] })],
);
