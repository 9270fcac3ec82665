import { z } from 'zod';
import { cursor, id, pageLimit, pageOf, timestamp } from '../platform/schemas.ts';
import { TOOL_STATUSES, turnUsage } from './turn-events.ts';

const count = z.int().min(0);
const day = z.iso.date().describe('A day of UTC, such as 2026-03-01');

const tokens = {
  prompt_tokens: count,
  output_tokens: count,
  thought_tokens: count.describe('Spent on thinking; not part of the output'),
  cached_tokens: count.describe('Part of the prompt that the provider had cached'),
  cost_micros: count.describe('Millionths of a US dollar'),
};

export const RUN_STATUSES = ['running', 'done', 'failed', 'cancelled'] as const;
export const STEP_OUTCOMES = ['running', 'done', 'failed', 'cancelled', 'abandoned', 'skipped'] as const;

const runFields = {
  id,
  workspace_id: id.describe('Who pays'),
  context_id: id.nullable(),
  source: z.enum(['chat', 'whatsapp']),
  status: z.enum(RUN_STATUSES),
  attempt: z.int().min(1).describe('More than 1: an earlier one died with its process'),
  user_message_id: id.nullable(),
  answer_message_id: id.nullable(),
  judgement: z.looseObject({}).nullable().describe('decision, context_id, title, confidence, and who judged (`by`)'),
  role_prompt_id: id.nullable(),
  packing: z.looseObject({}).nullable().describe('Tokens of the prompt, and for what there was no room'),
  finish_reason: z.string().nullable(),
  error_code: z.string().nullable(),
  error_detail: z.string().nullable(),
  request_id: z.string().nullable(),
  started_at: timestamp,
  first_token_at: timestamp.nullable(),
  finished_at: timestamp.nullable(),
  usage: turnUsage,
};
export const run = z.strictObject(runFields).meta({ id: 'Run' });
export type Run = z.infer<typeof run>;
export const runPage = pageOf(run).meta({ id: 'RunPage' });

const step = z
  .strictObject({
    id,
    attempt: z.int().min(1),
    kind: z.enum(['judge', 'retrieve', 'specialist', 'assess', 'embed']),
    provider: z.string(),
    model: z.string(),
    input_hash: z.string().nullable().describe('SHA-256 of what the model was given'),
    outcome: z.enum(STEP_OUTCOMES),
    ...tokens,
    calls: count.describe('Requests, with those that were repeated'),
    latency_ms: count.nullable(),
    error_code: z.string().nullable(),
    started_at: timestamp,
    finished_at: timestamp.nullable(),
  })
  .meta({ id: 'RunStep' });

const toolCall = z
  .strictObject({
    id,
    step_id: id,
    name: z.string(),
    arguments: z.unknown(),
    summary: z.string().nullable(),
    status: z.enum(TOOL_STATUSES),
    result: z.unknown(),
    error_code: z.string().nullable(),
    latency_ms: count.nullable(),
    created_at: timestamp,
    finished_at: timestamp.nullable(),
  })
  .meta({ id: 'RunToolCall' });

const contextItem = z
  .strictObject({
    step_id: id,
    kind: z.enum(['role', 'preference', 'memory', 'message', 'block', 'schedule', 'summary', 'recent']),
    item_id: id.nullable(),
    leg: z.string().describe('How it was found: lexical, vector, both, pinned, recent, always'),
    score: z.number().nullable(),
    tokens: count,
    is_included: z.boolean().describe('False: there was no room for it'),
    citation: z.int().nullable().describe('The number by which the answer cites it'),
  })
  .meta({ id: 'ContextItem' });

export const runDetails = z
  .strictObject({
    ...runFields,
    steps: z.array(step),
    tool_calls: z.array(toolCall),
    context_items: z.array(contextItem).describe('Everything that was put into a prompt'),
  })
  .meta({ id: 'RunDetails' });
export type RunDetails = z.infer<typeof runDetails>;

export const listRunsQuery = z.strictObject({
  context_id: id.optional(),
  status: z.enum(RUN_STATUSES).optional(),
  cursor,
  limit: pageLimit(100, 20),
});
export const runPath = z.strictObject({ run_id: id });

/** Days that one answer spans at most. */
export const MAX_USAGE_DAYS = 366;
export const usageQuery = z.strictObject({
  workspace_id: id.optional().describe('Of which you are an admin; your personal space when not given'),
  from: day.optional().describe('First day of UTC; the first of this month when not given'),
  until: day.optional().describe('The day after the last; tomorrow when not given'),
});

export const usage = z
  .strictObject({
    workspace_id: id,
    from: day,
    until: day,
    quota: z.strictObject({
      tokens_per_day: count.nullable().describe('Null: no bound'),
      cost_micros_per_month: count.nullable(),
      tokens_today: count,
      tokens_reserved: count.describe('Held by what is running'),
      cost_micros_this_month: count,
      day_resets_at: timestamp,
      month_resets_at: timestamp,
    }),
    items: z.array(
      z.strictObject({
        day,
        kind: z.string(),
        provider: z.string(),
        model: z.string(),
        steps: count,
        failures: count,
        calls: count,
        ...tokens,
        latency_ms: count.describe('The sum over all steps'),
      }),
    ),
  })
  .meta({ id: 'Usage' });
export type Usage = z.infer<typeof usage>;
