import { z } from 'zod';
import { id, timestamp } from '../platform/schemas.ts';

/** Something that an answer rests on. `index` is how the answer cites it: `[1]`. */
export const citation = z
  .strictObject({
    index: z.int().min(1),
    kind: z.enum(['preference', 'memory', 'message', 'block', 'schedule']),
    id,
    /** The context of a message, the canvas of a block, the calendar's schedule. */
    place_id: id.nullable(),
    excerpt: z.string(),
    at: timestamp.nullable(),
    leg: z.string(),
    score: z.number().nullable(),
  })
  .meta({ id: 'Citation' });
export type Citation = z.infer<typeof citation>;

export const TOOL_STATUSES = ['running', 'done', 'failed', 'needs_confirmation', 'declined', 'expired'] as const;

export const turnTool = z
  .strictObject({
    tool_call_id: id,
    name: z.string(),
    status: z.enum(TOOL_STATUSES),
    summary: z.string().nullable().describe('What will be, or was, done, for the person'),
    arguments: z.unknown(),
    result: z.unknown(),
    expires_at: timestamp.nullable(),
  })
  .meta({ id: 'TurnTool' });
export type TurnTool = z.infer<typeof turnTool>;

export const turnUsage = z
  .strictObject({
    prompt_tokens: z.int(),
    output_tokens: z.int(),
    thought_tokens: z.int(),
    cached_tokens: z.int(),
    cost_micros: z.int().describe('Millionths of a US dollar'),
  })
  .meta({ id: 'TurnUsage' });

const events = {
  run: z.strictObject({
    type: z.literal('run'),
    run_id: id,
    user_message_id: id,
    provider: z.string(),
    replayed: z
      .boolean()
      .describe('The turn was asked for before: what follows is its stored answer, or the rest of its stream'),
  }),
  judge: z.strictObject({
    type: z.literal('judge'),
    decision: z.enum(['continue', 'switch', 'new']),
    context_id: id,
    title: z.string(),
    confidence: z.number(),
    by: z.enum(['model', 'rules', 'caller']),
  }),
  citation: z.strictObject({ type: z.literal('citation'), citation }),
  delta: z.strictObject({ type: z.literal('delta'), text: z.string() }),
  tool: z.strictObject({ type: z.literal('tool'), tool: turnTool }),
  done: z.strictObject({
    type: z.literal('done'),
    run_id: id,
    context_id: id,
    message_id: id.nullable().describe('Null: it was cancelled before a word was said'),
    finish_reason: z.string(),
    usage: turnUsage,
  }),
  error: z.strictObject({
    type: z.literal('error'),
    run_id: id.nullable(),
    code: z.string(),
    detail: z.string(),
    retry_after_ms: z.int().nullable(),
    reset_at: timestamp.nullable().describe('Of a quota: when there is room again'),
  }),
};

/** What a turn streams, over SSE and on `/ws/me`. Each has its number within the run, from 1. */
export const turnEvent = z.discriminatedUnion('type', [
  events.run,
  events.judge,
  events.citation,
  events.delta,
  events.tool,
  events.done,
  events.error,
]);
export type TurnEvent = z.infer<typeof turnEvent>;
