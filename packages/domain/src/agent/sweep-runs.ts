import { findLeftTurns, type LeftTurn, type ShownAnswer, sweepTurn } from '@potentia/db/agent/turn-queries';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import type { RunEvents } from './run-events.ts';
import { beforeAttempt, type LoggedEvent } from './run-log.ts';
import { shownAnswer } from './shown-answer.ts';
import type { Citation, TurnEvent } from './turn-events.ts';

/** The job that runs by itself each minute. */
export const AGENT_SWEEP = 'agent.sweep';

/** A run that nobody holds may be taken on by a retry for so long. */
const AFTER_MS = 120_000;
/** So long it is waited for what was shown of an answer, when nobody knows for now. */
const GIVE_UP_S = 900;
const BATCH = 200;

export type SweepCtx = Pick<Ctx, 'db' | 'bus' | 'log'> & { run_events: RunEvents };

/**
 * Ends the runs whose process died and that nobody took on, with what was shown of their answers, and frees what they held of a quota.
 * How many.
 */
export async function sweepRuns(ctx: SweepCtx): Promise<{ swept: number }> {
  let swept = 0;
  for (let [count, left] = [1, BATCH]; count > 0 && left === BATCH; swept += count) {
    const turns = await fromDb(() => findLeftTurns(ctx.db, { after_ms: AFTER_MS, limit: BATCH }));
    left = turns.length;
    count = 0;
    for (const turn of turns) if (await sweep(ctx, turn)) count += 1;
  }
  if (swept > 0) {
    ctx.log.warn({ swept }, 'turns were left behind by a process that died');
    publishOutboxHint(ctx);
  }
  return { swept };
}

async function sweep({ db, log, run_events }: SweepCtx, turn: LeftTurn): Promise<boolean> {
  const events = await eventsOf(run_events, turn);
  if (events === null && turn.seconds < GIVE_UP_S) return false;
  try {
    return await fromDb(() => sweepTurn(db, turn, events && shownIn(events)));
  } catch (err) {
    log.warn({ err, run_id: turn.run_id }, 'a turn that was left behind could not be ended');
    return false;
  }
}

/** What the last attempt has told, as far as nothing is missing; null: it cannot be known. */
async function eventsOf(run_events: RunEvents, { run_id, attempt }: LeftTurn): Promise<TurnEvent[] | null> {
  const found: LoggedEvent[] = [];
  for (let cursor = '0'; ;) {
    const page = await run_events.read(run_id, cursor);
    if (page === null) return null;
    if (page.events.length === 0) break;
    found.push(...page.events);
    cursor = page.cursor;
  }
  const first = beforeAttempt(attempt) + 1;
  const own = found.filter(({ index }) => index >= first).sort((one, other) => one.index - other.index);
  return own.filter(({ index }, at) => index === first + at).map(({ json }) => JSON.parse(json) as TurnEvent);
}

function shownIn(events: TurnEvent[]): ShownAnswer | null {
  const text = events.map((event) => (event.type === 'delta' ? event.text : '')).join('');
  const citations = events.flatMap((event): Citation[] => (event.type === 'citation' ? [event.citation] : []));
  const shown = shownAnswer({ text, first_token_at: null, citations });
  return shown.content === '' ? null : shown;
}
