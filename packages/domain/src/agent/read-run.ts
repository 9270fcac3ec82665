import { getTurn, type TurnRow } from '@potentia/db/agent/turn-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { beforeReplay, type LoggedEvent } from './run-log.ts';
import type { Citation, TurnEvent, TurnTool } from './turn-events.ts';
import { type TurnAnswer, turnRef } from './turn-schemas.ts';

export type StoredTurn = TurnRow<Citation, TurnTool>;

/** Milliseconds after which a failed run is worth another try. */
const RETRY_AFTER_MS = 1_000;
/** What a person is told of a failure that stored nothing else. */
const INTERRUPTED = 'The service was stopped meanwhile. Send it again.';

export function readStored(ctx: UserCtx, run_id: string): Promise<StoredTurn> {
  return fromDb(() => getTurn<Citation, TurnTool>(ctx.db, { user_id: ctx.actor.user_id, run_id }));
}

/** A turn of one's own as it stands. Throws `agent.run_not_found`. */
export async function readRun(ctx: UserCtx, input: z.input<typeof turnRef>): Promise<TurnAnswer> {
  return toAnswer(await readStored(ctx, parseInput(turnRef, input).run_id));
}

export function toAnswer(stored: StoredTurn): TurnAnswer {
  const { run_id, status, context_id, judgement, user_message, message, finish_reason, citations, tools, usage } =
    stored;
  return {
    ...{ run_id, status, context_id, judge: whole(judgement), user_message, message },
    ...{ finish_reason, citations, tools, usage, error: failureOf(stored) },
  };
}

/** With the title that it gave: where what was said is deleted there is none, and nothing to tell. */
const whole = (judgement: StoredTurn['judgement']): StoredTurn['judgement'] =>
  typeof judgement?.title === 'string' ? judgement : null;

function failureOf({ status, error_code, error_detail }: StoredTurn): TurnAnswer['error'] {
  if (status !== 'failed') return null;
  const code = error_code ?? 'agent.interrupted';
  return { code, detail: error_detail ?? INTERRUPTED, retry_after_ms: RETRY_AFTER_MS, reset_at: null };
}

/**
 * A run that is over, told again from what is stored: numbered above all that its stream said, since it begins anew, and below the
 * next attempt. A reader that has it up to `after` gets the rest.
 */
export function* replay(stored: StoredTurn, provider: string, after: number): Generator<LoggedEvent> {
  let index = beforeReplay(stored.attempt);
  for (const event of storedEvents(stored, provider)) {
    index += 1;
    if (index > after) yield { index, type: event.type, json: JSON.stringify(event) };
  }
}

/** Whether words of a run that is over were deleted since: then what its stream told is not to be told again. */
export const isCut = ({ status, finish_reason, user_message, message, citations, tools }: StoredTurn): boolean =>
  status !== 'running' &&
  (user_message === null ||
    (message === null && finish_reason !== null) ||
    citations.some(({ excerpt }) => excerpt === '') ||
    tools.some((tool) => tool.status === 'done' && tool.summary === null));

function* storedEvents(stored: StoredTurn, provider: string): Generator<TurnEvent> {
  const { run_id, user_message, message, context_id, finish_reason, usage } = stored;
  const judgement = whole(stored.judgement);
  if (user_message) yield { type: 'run', run_id, user_message_id: user_message.id, provider, replayed: true };
  if (judgement) yield { type: 'judge', ...judgement };
  for (const tool of stored.tools) yield { type: 'tool', tool };
  for (const citation of stored.citations) yield { type: 'citation', citation };
  if (message) yield { type: 'delta', text: message.content };
  const failure = failureOf(stored);
  if (failure || context_id === null) {
    const { code, detail, retry_after_ms, reset_at } = failure ?? { ...GONE, retry_after_ms: null, reset_at: null };
    yield { type: 'error', run_id, code, detail, retry_after_ms, reset_at };
    return;
  }
  const message_id = message?.id ?? null;
  yield { type: 'done', run_id, context_id, message_id, finish_reason: finish_reason ?? 'other', usage };
}

const GONE = { code: 'chat.context_not_found', detail: 'The conversation of this turn is gone.' };
