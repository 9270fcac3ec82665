import { z } from 'zod';
import { timeZone } from '../calendar/time-schemas.ts';
import { safeText } from '../canvas/rules/content.ts';
import { id, timestamp } from '../platform/schemas.ts';
import { citation, turnTool, turnUsage } from './turn-events.ts';
import { RUN_STATUSES } from './usage-schemas.ts';

/** Characters of one message. */
export const MAX_MESSAGE = 32_000;

export const startTurnBody = z
  .strictObject({
    content: safeText(MAX_MESSAGE)
      .refine((text) => text.trim() !== '', 'Must not be empty')
      .describe('What the person says'),
    context_id: id.optional().describe('The conversation that it belongs to; decided by what is said when not given'),
    workspace_id: id.optional().describe('Who pays, and whose roles may answer; your personal space when not given'),
    role_prompt_id: id.optional().describe('The role that is to answer this time'),
    time_zone: timeZone.optional().describe('Where the person is now; their own zone when not given'),
  })
  .meta({ id: 'StartTurn' });

export const startTurnInput = startTurnBody.extend({
  /** Through which door it came. */
  source: z.enum(['chat', 'whatsapp']).default('chat'),
});

export const turnRef = z.strictObject({ run_id: id });

const message = z.strictObject({ id, content: z.string(), created_at: timestamp });

const judgement = z.strictObject({
  decision: z.enum(['continue', 'switch', 'new']),
  context_id: id,
  title: z.string(),
  confidence: z.number(),
  by: z.enum(['model', 'rules', 'caller']),
});

const failure = z.strictObject({
  code: z.string(),
  detail: z.string(),
  retry_after_ms: z.int().nullable(),
  reset_at: timestamp.nullable().describe('Of a quota: when there is room again'),
});

/** A turn as it stands: all that its stream tells, in one piece. */
export const turnAnswer = z
  .strictObject({
    run_id: id,
    status: z.enum(RUN_STATUSES),
    context_id: id.nullable(),
    judge: judgement.nullable().describe('Null: not decided yet, or what was said is deleted'),
    user_message: message.nullable().describe('Null: deleted meanwhile'),
    message: message.nullable().describe('The answer; null: there is none, or not yet'),
    finish_reason: z.string().nullable().describe('stop, max_tokens, blocked, cancelled, failed or other'),
    citations: z.array(citation),
    tools: z.array(turnTool),
    usage: turnUsage,
    error: failure.nullable().describe('Of a failed run. The same Idempotency-Key tries again'),
  })
  .meta({ id: 'Turn' });
export type TurnAnswer = z.infer<typeof turnAnswer>;
