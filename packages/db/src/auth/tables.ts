import { jsonb, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { app, counter, instant } from '../schema.ts';

export const users = app.table('users', {
  id: uuid().primaryKey(),
  email: text(),
  name: text().notNull().default(''),
  locale: text().notNull().default('en'),
  time_zone: text().notNull().default('UTC'),
  created_at: instant().notNull().defaultNow(),
  updated_at: instant().notNull().defaultNow(),
  kind: text({ enum: ['person', 'api_key'] })
    .notNull()
    .default('person'),
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
