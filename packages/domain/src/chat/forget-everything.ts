import { beginForgetting, type ForgottenSlice, forgetSlice } from '@potentia/db/chat/memory-queries';
import { withContext } from '@potentia/db/context';
import { z } from 'zod';
import type { RunEraser } from '../agent/run-eraser.ts';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { id, timestamp } from '../platform/schemas.ts';
import { derivedId } from '../platform/uuid.ts';
import { forgetEverythingBody, type ForgottenEverything } from './memory-schemas.ts';

/** The outbox topic of what is left to be forgotten. */
export const MEMORY_FORGET = 'memory.forget';
export const forgetRestPayload = z.object({ user_id: id, before: timestamp });

export type ForgetCtx = UserCtx & { run_eraser: RunEraser };

/** Rows of a kind in one transaction: others of the person wait for it. */
const SLICE = 200;
/** Milliseconds that a request works itself; a job goes on where it ends, and looks again if it did not end. */
const REQUEST_MS = 1_500;
const JOB_AFTER_MS = 5_000;
const WAIT_MS = 2_000;

/**
 * Forgets all that the caller's chat holds in words, up to now: contexts, messages, memories, their words and vectors in every index, what
 * turns and tools said, what clients and queues are still to be told. What it took remains as numbers. Calendars and canvases are
 * not chat. What is not done at once is done by a job.
 */
export async function forgetEverything(
  ctx: ForgetCtx,
  input: z.input<typeof forgetEverythingBody>,
): Promise<ForgottenEverything> {
  parseInput(forgetEverythingBody, input);
  const { user_id } = ctx.actor;
  const { request_id } = ctx;
  const before = await fromDb(() => beginForgetting(ctx.db, { user_id, after_ms: JOB_AFTER_MS, request_id }));
  const deleted = { contexts: 0, messages: 0, memories: 0, runs: 0 };
  const until = performance.now() + REQUEST_MS;
  let state: ForgottenEverything['state'] = 'running';
  try {
    do {
      const slice = await forgetOnce(ctx, before);
      for (const kind of Object.keys(deleted) as (keyof typeof deleted)[]) deleted[kind] += slice[kind];
      if (slice.is_done) state = 'done';
      if (slice.is_done || slice.is_waiting) break;
    } while (performance.now() < until);
  } catch (error) {
    // It has begun: the job goes on.
    if (!(error instanceof AppError && error.kind === 'unavailable')) throw error;
    ctx.log.warn({ err: error }, 'forgetting goes on later');
  }
  publishOutboxHint(ctx);
  return { state, deleted };
}

/** What is left of it. As often as one likes. Throws `unavailable` while a turn still runs, or Redis is away. */
export async function forgetRest(ctx: ForgetCtx, { before }: { before: string }): Promise<void> {
  let slice: ForgottenSlice;
  do {
    slice = await forgetOnce(ctx, before);
    if (slice.is_waiting)
      throw new AppError('unavailable', 'agent.busy', 'A turn still runs', { retry_after_ms: WAIT_MS });
  } while (!slice.is_done);
  publishOutboxHint(ctx);
}

/** What Redis holds goes first: afterwards nobody knows which runs there were. */
function forgetOnce(ctx: ForgetCtx, before: string): Promise<ForgottenSlice> {
  const { user_id } = ctx.actor;
  const outbox_id = derivedId('memory.forgotten', user_id, before);
  const asked = { user_id, before, limit: SLICE, outbox_id, request_id: ctx.request_id };
  return fromDb(() =>
    withContext(ctx.db, { user_id }, async (tx) => {
      const slice = await forgetSlice(tx, asked);
      if (!(await ctx.run_eraser.erase(slice.run_ids)))
        throw new AppError('unavailable', 'platform.redis_unavailable', 'Redis does not answer', {
          retry_after_ms: WAIT_MS,
        });
      return slice;
    }),
  );
}
