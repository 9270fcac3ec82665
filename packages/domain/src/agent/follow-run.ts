import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import { parseInput } from '../platform/parse.ts';
import { isCut, readStored, replay, type StoredTurn } from './read-run.ts';
import { ATTEMPT_SPAN, beforeAttempt, beginsAnew, isLast, type LoggedEvent } from './run-log.ts';
import type { TurnCtx } from './turn-ctx.ts';
import { turnRef } from './turn-schemas.ts';
import type { ActiveRun } from './turns.ts';

/** How often the events of a run on another replica are looked for, in milliseconds, and how often its row. */
const POLL_MS = 100;
const LOOK_MS = 500;
/** How long after its row the last events of a run may still be on their way. */
const LATE_MS = 400;

export interface Follow {
  /** The last index that the reader has; 0: none. */
  after: number;
  /** The reader has gone. */
  signal: AbortSignal;
}

/** A run as it is read: what attempts before `attempt` told is over, their ends too. */
interface Followed {
  run_id: string;
  attempt: number;
  /** As it stood a moment ago; null: not read. */
  stored: StoredTurn | null;
}

/** How a run ended for its reader. `lost`: its process died, or gave it up, and nobody has taken it on yet. */
export type FollowEnd = 'over' | 'lost' | 'gone';

/** The events of a run of one's own, from wherever it runs or is stored. Throws `agent.run_not_found`. */
export async function followTurn(
  ctx: TurnCtx,
  input: z.input<typeof turnRef>,
  follow: Follow,
): Promise<AsyncGenerator<LoggedEvent>> {
  const { run_id } = parseInput(turnRef, input);
  const here = ctx.turns.find(ctx.actor.user_id, run_id);
  if (here) return told(ctx, { run_id, attempt: here.held.attempt, stored: null }, follow);
  // Before anything is sent: whose it is not is told 404.
  const stored = await readStored(ctx, run_id);
  return told(ctx, { run_id, attempt: stored.attempt, stored }, follow);
}

async function* told(ctx: TurnCtx, run: Followed, follow: Follow): AsyncGenerator<LoggedEvent> {
  const last = { index: follow.after };
  const end = yield* asReplayed(followRun(ctx, run, follow, last));
  if (end === 'lost') yield interrupted(run.run_id, last.index);
}

/** What comes again says so where it begins. */
export async function* asReplayed<End>(events: AsyncGenerator<LoggedEvent, End>): AsyncGenerator<LoggedEvent, End> {
  for (;;) {
    const next = await events.next();
    if (next.done) return next.value;
    const { index, type, json } = next.value;
    yield { index, type, json: type === 'run' ? json.replace('"replayed":false', '"replayed":true') : json };
  }
}

/** What a reader is told who cannot begin the run anew by themselves. */
const interrupted = (run_id: string, after: number): LoggedEvent => {
  const detail = 'Whoever answered this has stopped. Send it again with its Idempotency-Key.';
  const error = { type: 'error', run_id, code: 'agent.interrupted', detail, retry_after_ms: 500, reset_at: null };
  return { index: after + 1, type: 'error', json: JSON.stringify(error) };
};

/** The events of a run after the last that is had; `last` is kept up with them. */
export async function* followRun(
  ctx: TurnCtx,
  run: Followed,
  { after, signal }: Follow,
  last: { index: number },
): AsyncGenerator<LoggedEvent, FollowEnd> {
  const { run_id, attempt } = run;
  // An index that no attempt can have told yet is nobody's.
  last.index = Math.max(after < beforeAttempt(attempt + 1) ? after : 0, beforeAttempt(attempt));
  const here = ctx.turns.find(ctx.actor.user_id, run_id);
  if (here && here.held.attempt >= attempt) {
    const end = yield* followLog(here, signal, last);
    if (end !== null) return end;
    // It ended without a word: another process has it.
  }
  const stored = (here ? null : run.stored) ?? (await readStored(ctx, run_id));
  if (isCut(stored)) {
    yield* replay(stored, ctx.model.provider, last.index);
    return 'over';
  }
  const done = ctx.turns.findDone(ctx.actor.user_id, run_id);
  const end = done ? yield* followLog(done, signal, last) : null;
  return end ?? (yield* followElsewhere(ctx, { run_id, attempt, stored }, signal, last));
}

/** Null: the log has no end. */
async function* followLog(
  { log }: ActiveRun,
  signal: AbortSignal,
  last: { index: number },
): AsyncGenerator<LoggedEvent, FollowEnd | null> {
  for await (const event of log.follow(last.index, signal)) {
    last.index = event.index;
    yield event;
    if (isLast(event)) return 'over';
  }
  if (signal.aborted) return 'gone';
  return log.is_done ? 'over' : null;
}

async function* followElsewhere(
  ctx: TurnCtx,
  { run_id, attempt, stored: known }: Followed & { stored: StoredTurn },
  reader: AbortSignal,
  last: { index: number },
): AsyncGenerator<LoggedEvent, FollowEnd> {
  const signal = AbortSignal.any([reader, ctx.turns.stopping]);
  let cursor = '0';
  let is_whole = true;
  let stored = known;
  let looked_at = performance.now();
  let over_at = Infinity;
  while (!signal.aborted) {
    const page = is_whole ? await ctx.turns.events.read(run_id, cursor) : null;
    for (const event of page?.events ?? []) {
      if (event.index <= last.index) {
        // The reader has it all.
        if (isLast(event) && event.index > beforeAttempt(attempt)) return 'over';
        continue;
      }
      is_whole = follows(event, last.index);
      if (!is_whole) break;
      last.index = event.index;
      yield event;
      if (isLast(event)) return 'over';
    }
    cursor = page?.cursor ?? cursor;
    const now = performance.now();
    if (now - looked_at >= LOOK_MS) {
      stored = await readStored(ctx, run_id);
      looked_at = performance.now();
    }
    if (stored.status !== 'running') {
      over_at = Math.min(over_at, now);
      // A stream that has begun may still bring its end.
      if (page === null || last.index === beforeAttempt(attempt) || now - over_at > LATE_MS) {
        yield* replay(stored, ctx.model.provider, last.index);
        return 'over';
      }
    } else if (!stored.is_held) return 'lost';
    await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
  return 'gone';
}

/** Whether an event is the next one, or begins the answer anew. */
const follows = (event: LoggedEvent, last: number): boolean =>
  event.index === last + 1 ? event.index % ATTEMPT_SPAN !== 0 : beginsAnew(event);
