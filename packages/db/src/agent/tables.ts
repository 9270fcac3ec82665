import { sql } from 'drizzle-orm';
import { boolean, customType, date, integer, jsonb, primaryKey, real, text, uuid } from 'drizzle-orm/pg-core';
import { app, counter, instant } from '../schema.ts';

const sparse_vector = customType<{ data: string }>({ dataType: () => 'sparsevec' });

export const role_prompts = app.table('role_prompts', {
  id: uuid().primaryKey(),
  workspace_id: uuid(),
  key: text(),
  name: text().notNull(),
  is_frame: boolean().notNull().default(false),
  aim: text().notNull(),
  tone: text().notNull(),
  prompt: text().notNull(),
  examples: jsonb().notNull().default([]),
  is_enabled: boolean().notNull().default(true),
  terms: integer().array().notNull().default([]),
  weights: sparse_vector(),
  version: integer().notNull().default(1),
  created_by: uuid(),
  created_at: instant().notNull().defaultNow(),
  updated_at: instant().notNull().defaultNow(),
});

export const agent_runs = app.table('agent_runs', {
  id: uuid().primaryKey(),
  user_id: uuid().notNull(),
  workspace_id: uuid().notNull(),
  context_id: uuid(),
  source: text({ enum: ['chat', 'whatsapp'] })
    .notNull()
    .default('chat'),
  idempotency_key: text().notNull(),
  request_hash: text().notNull(),
  status: text({ enum: ['running', 'done', 'failed', 'cancelled'] })
    .notNull()
    .default('running'),
  attempt: integer().notNull().default(1),
  lease_owner: uuid(),
  lease_until: instant(),
  cancel_requested_at: instant(),
  user_message_id: uuid(),
  answer_message_id: uuid(),
  judgement: jsonb(),
  role_prompt_id: uuid(),
  packing: jsonb(),
  finish_reason: text(),
  citations: jsonb().notNull().default([]),
  error_code: text(),
  error_detail: text(),
  request_id: text(),
  traceparent: text(),
  started_at: instant().notNull().defaultNow(),
  first_token_at: instant(),
  finished_at: instant(),
});

export const agent_steps = app.table('agent_steps', {
  id: uuid().primaryKey(),
  user_id: uuid().notNull(),
  workspace_id: uuid().notNull(),
  run_id: uuid(),
  attempt: integer().notNull().default(1),
  kind: text({ enum: ['judge', 'retrieve', 'specialist', 'assess', 'embed'] }).notNull(),
  provider: text().notNull(),
  model: text().notNull(),
  input_hash: text(),
  outcome: text({ enum: ['running', 'done', 'failed', 'cancelled', 'abandoned', 'skipped'] })
    .notNull()
    .default('running'),
  reserved_tokens: counter().notNull().default(0),
  reserved_cost_micros: counter().notNull().default(0),
  prompt_tokens: counter().notNull().default(0),
  output_tokens: counter().notNull().default(0),
  thought_tokens: counter().notNull().default(0),
  cached_tokens: counter().notNull().default(0),
  cost_micros: counter().notNull().default(0),
  calls: integer().notNull().default(0),
  latency_ms: integer(),
  error_code: text(),
  day: date()
    .notNull()
    .default(sql`(now() at time zone 'UTC')::date`),
  started_at: instant().notNull().defaultNow(),
  finished_at: instant(),
});

export const tool_calls = app.table('tool_calls', {
  id: uuid().primaryKey(),
  user_id: uuid().notNull(),
  run_id: uuid().notNull(),
  step_id: uuid().notNull(),
  context_id: uuid(),
  name: text().notNull(),
  arguments: jsonb().notNull(),
  time_zone: text().notNull().default('UTC'),
  summary: text(),
  status: text({ enum: ['running', 'done', 'failed', 'needs_confirmation', 'declined', 'expired'] }).notNull(),
  result: jsonb(),
  undo: jsonb(),
  undone_at: instant(),
  error_code: text(),
  confirm_reason: text({ enum: ['affects_others', 'not_asked', 'destructive'] }),
  expires_at: instant(),
  confirmed_at: instant(),
  latency_ms: integer(),
  created_at: instant().notNull().defaultNow(),
  finished_at: instant(),
});

export const context_items = app.table(
  'context_items',
  {
    user_id: uuid().notNull(),
    run_id: uuid().notNull(),
    step_id: uuid().notNull(),
    ordinal: integer().notNull(),
    kind: text({
      enum: ['role', 'preference', 'memory', 'message', 'block', 'schedule', 'summary', 'recent'],
    }).notNull(),
    item_id: uuid(),
    leg: text().notNull(),
    score: real(),
    tokens: integer().notNull(),
    is_included: boolean().notNull(),
    citation: integer(),
  },
  (table) => [primaryKey({ columns: [table.user_id, table.run_id, table.step_id, table.ordinal] })],
);

export const usage_metrics = app.table(
  'usage_metrics',
  {
    workspace_id: uuid().notNull(),
    day: date().notNull(),
    kind: text().notNull(),
    provider: text().notNull(),
    model: text().notNull(),
    steps: counter().notNull().default(0),
    failures: counter().notNull().default(0),
    calls: counter().notNull().default(0),
    prompt_tokens: counter().notNull().default(0),
    output_tokens: counter().notNull().default(0),
    thought_tokens: counter().notNull().default(0),
    cached_tokens: counter().notNull().default(0),
    cost_micros: counter().notNull().default(0),
    latency_ms: counter().notNull().default(0),
  },
  (table) => [primaryKey({ columns: [table.workspace_id, table.day, table.kind, table.provider, table.model] })],
);

export const usage_budgets = app.table(
  'usage_budgets',
  {
    workspace_id: uuid().notNull(),
    day: date().notNull(),
    reserved_tokens: counter().notNull().default(0),
    reserved_cost_micros: counter().notNull().default(0),
    used_tokens: counter().notNull().default(0),
    used_cost_micros: counter().notNull().default(0),
  },
  (table) => [primaryKey({ columns: [table.workspace_id, table.day] })],
);

export const usage_quotas = app.table('usage_quotas', {
  workspace_id: uuid().primaryKey(),
  tokens_per_day: counter(),
  cost_micros_per_month: counter(),
  updated_at: instant().notNull().defaultNow(),
});
