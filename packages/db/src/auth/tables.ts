import { customType, jsonb, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { app, counter, instant } from '../schema.ts';

export const users = app.table('users', {
  id: uuid().primaryKey(),
  email: text(),
  name: text().notNull().default(''),
  locale: text(),
  time_zone: text().notNull().default('UTC'),
  created_at: instant().notNull().defaultNow(),
  updated_at: instant().notNull().defaultNow(),
  kind: text({ enum: ['person', 'api_key'] })
    .notNull()
    .default('person'),
  email_as_of: instant(),
});

export const user_heads = app.table('user_heads', {
  user_id: uuid().primaryKey(),
  epoch: uuid().notNull().defaultRandom(),
  seq: counter().notNull().default(0),
});

export const user_events = app.table(
  'user_events',
  {
    user_id: uuid().notNull(),
    seq: counter().notNull(),
    outbox_id: uuid().notNull(),
    type: text().notNull(),
    payload: jsonb().$type<Record<string, unknown>>().notNull(),
    created_at: instant().notNull(),
  },
  (table) => [primaryKey({ columns: [table.user_id, table.seq] })],
);

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

export const api_keys = app.table('api_keys', {
  id: uuid().primaryKey(),
  workspace_id: uuid().notNull(),
  name: text().notNull(),
  scopes: text().array().notNull(),
  prefix: text().notNull(),
  last_four: text().notNull(),
  key_hash: bytea().notNull(),
  created_by: uuid().notNull(),
  created_at: instant().notNull().defaultNow(),
  expires_at: instant(),
  last_used_at: instant(),
  revoked_at: instant(),
  revoked_by: uuid(),
});
