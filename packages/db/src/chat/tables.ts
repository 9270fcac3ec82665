import { sql } from 'drizzle-orm';
import { boolean, customType, integer, jsonb, primaryKey, real, smallint, text, uuid } from 'drizzle-orm/pg-core';
import { app, counter, instant } from '../schema.ts';

const sparse_vector = customType<{ data: string }>({ dataType: () => 'sparsevec' });
const half_vector = customType<{ data: string }>({ dataType: () => 'halfvec(768)' });

export const chat_contexts = app.table('chat_contexts', {
  id: uuid().primaryKey(),
  user_id: uuid().notNull(),
  title: text().notNull(),
  titled_by: text({ enum: ['rules', 'model', 'user', 'import'] })
    .notNull()
    .default('rules'),
  summary: text(),
  summary_until: counter().notNull().default(0),
  summary_reach: counter().notNull().default(0),
  status: text({ enum: ['active', 'archived'] })
    .notNull()
    .default('active'),
  import_source: text(),
  external_id: text(),
  version: integer().notNull().default(1),
  created_at: instant().notNull().defaultNow(),
  updated_at: instant().notNull().defaultNow(),
  last_message_at: instant().notNull().defaultNow(),
});

export const chat_heads = app.table('chat_heads', {
  user_id: uuid().primaryKey(),
  seq: counter().notNull().default(0),
  active_context_id: uuid(),
  role_prompt_id: uuid(),
  is_memory_enabled: boolean().notNull().default(true),
  version: integer().notNull().default(1),
  updated_at: instant().notNull().defaultNow(),
});

export const chat_messages = app.table('chat_messages', {
  id: uuid().primaryKey(),
  user_id: uuid().notNull(),
  context_id: uuid().notNull(),
  seq: counter().notNull(),
  role: text({ enum: ['user', 'assistant'] }).notNull(),
  author_name: text(),
  content: text().notNull(),
  source: text({ enum: ['chat', 'import', 'whatsapp'] })
    .notNull()
    .default('chat'),
  import_source: text(),
  external_id: text(),
  run_id: uuid(),
  finish_reason: text(),
  language: text({ enum: ['en', 'id', 'und'] })
    .notNull()
    .default('und'),
  mentions: jsonb().notNull().default([]),
  created_at: instant().notNull(),
  stored_at: instant().notNull().defaultNow(),
});

export const lexicons = app.table('lexicons', {
  owner_id: uuid().primaryKey(),
  documents: counter().notNull().default(0),
});

export const lexicon_terms = app.table(
  'lexicon_terms',
  {
    owner_id: uuid().notNull(),
    term: integer().notNull(),
    documents: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.owner_id, table.term] })],
);

export const message_terms = app.table('message_terms', {
  message_id: uuid().primaryKey(),
  user_id: uuid().notNull(),
  context_id: uuid().notNull(),
  created_at: instant().notNull(),
  terms: integer().array().notNull(),
  weights: sparse_vector().notNull(),
});

export const message_embeddings = app.table('message_embeddings', {
  message_id: uuid().primaryKey(),
  user_id: uuid().notNull(),
  side: text({ enum: ['user', 'assistant'] }).notNull(),
  model: text().notNull(),
  dimensions: integer().notNull(),
  embedding: half_vector().notNull(),
  created_at: instant().notNull().defaultNow(),
});

export const block_terms = app.table(
  'block_terms',
  {
    workspace_id: uuid().notNull(),
    canvas_id: uuid().notNull(),
    block_id: uuid().notNull(),
    updated_at: instant().notNull(),
    terms: integer().array().notNull(),
    weights: sparse_vector().notNull(),
  },
  (table) => [primaryKey({ columns: [table.workspace_id, table.canvas_id, table.block_id] })],
);

export const block_embeddings = app.table(
  'block_embeddings',
  {
    workspace_id: uuid().notNull(),
    canvas_id: uuid().notNull(),
    block_id: uuid().notNull(),
    model: text().notNull(),
    dimensions: integer().notNull(),
    embedding: half_vector().notNull(),
    created_at: instant().notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.workspace_id, table.canvas_id, table.block_id] })],
);

export const embedding_queue = app.table('embedding_queue', {
  subject_type: text({ enum: ['message', 'memory', 'block'] }).notNull(),
  subject_id: uuid().notNull(),
  user_id: uuid(),
  workspace_id: uuid(),
  canvas_id: uuid(),
  revision: counter()
    .notNull()
    .default(sql`nextval('app.embedding_revisions')`),
  is_indexed: boolean().notNull().default(false),
  priority: smallint().notNull().default(0),
  attempts: integer().notNull().default(0),
  available_at: instant().notNull().defaultNow(),
  last_error: text(),
  created_at: instant().notNull().defaultNow(),
});

export const embedding_walks = app.table('embedding_walks', {
  subject_type: text({ enum: ['message', 'memory', 'block'] }).primaryKey(),
  model: text(),
  position: uuid().array(),
  finished_at: instant(),
  updated_at: instant().notNull().defaultNow(),
});

export const user_preferences = app.table('user_preferences', {
  id: uuid().primaryKey(),
  user_id: uuid().notNull(),
  kind: text({ enum: ['fact', 'preference', 'rule'] }).notNull(),
  subject: text().notNull().default('user'),
  attribute: text().notNull(),
  content: text().notNull(),
  content_hash: text().notNull(),
  source: text({ enum: ['said', 'manual', 'import'] }).notNull(),
  source_message_id: uuid(),
  source_run_id: uuid(),
  quote: text(),
  confidence: real().notNull().default(1),
  is_pinned: boolean().notNull().default(false),
  valid_from: instant(),
  valid_until: instant(),
  superseded_by: uuid(),
  superseded_at: instant(),
  superseded_from: instant(),
  version: integer().notNull().default(1),
  created_at: instant().notNull().defaultNow(),
  updated_at: instant().notNull().defaultNow(),
});

export const user_semantic_memories = app.table('user_semantic_memories', {
  id: uuid().primaryKey(),
  user_id: uuid().notNull(),
  kind: text({ enum: ['memory'] })
    .notNull()
    .default('memory'),
  subject: text().notNull().default('user'),
  attribute: text(),
  content: text().notNull(),
  content_hash: text().notNull(),
  source: text({ enum: ['said', 'manual', 'import'] }).notNull(),
  source_message_id: uuid(),
  source_run_id: uuid(),
  quote: text(),
  confidence: real().notNull().default(1),
  is_pinned: boolean().notNull().default(false),
  valid_from: instant(),
  valid_until: instant(),
  superseded_by: uuid(),
  superseded_at: instant(),
  superseded_from: instant(),
  terms: integer().array().notNull().default([]),
  weights: sparse_vector(),
  version: integer().notNull().default(1),
  created_at: instant().notNull().defaultNow(),
  updated_at: instant().notNull().defaultNow(),
});

export const memory_embeddings = app.table('memory_embeddings', {
  memory_id: uuid().primaryKey(),
  user_id: uuid().notNull(),
  model: text().notNull(),
  dimensions: integer().notNull(),
  embedding: half_vector().notNull(),
  created_at: instant().notNull().defaultNow(),
});
