import { sweepTurns } from '@potentia/db/agent/turn-queries';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';

/** The job that runs by itself each minute. */
export const AGENT_SWEEP = 'agent.sweep';

/** A run that nobody holds may be taken on by a retry for so long. */
const AFTER_MS = 120_000;
const BATCH = 200;

/** Fails the runs whose process died and that nobody took on, and frees what they held of a quota. How many. */
export async function sweepRuns(ctx: Pick<Ctx, 'db' | 'bus' | 'log'>): Promise<{ swept: number }> {
  let swept = 0;
  for (let count = BATCH; count === BATCH; swept += count) {
    count = await fromDb(() => sweepTurns(ctx.db, { after_ms: AFTER_MS, limit: BATCH }));
  }
  if (swept > 0) {
    ctx.log.warn({ swept }, 'turns were left behind by a process that died');
    publishOutboxHint(ctx);
  }
  return { swept };
}
