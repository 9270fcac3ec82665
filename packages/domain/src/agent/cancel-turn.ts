import { cancelTurn as requestCancel } from '@potentia/db/agent/turn-queries';
import type { z } from 'zod';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { readRun } from './read-run.ts';
import type { TurnCtx } from './turn-ctx.ts';
import { type TurnAnswer, turnRef } from './turn-schemas.ts';

/**
 * Ends a turn of one's own: at once here, within about a second on another replica. What was said so far is its answer. A turn that is
 * over stays as it is. Throws `agent.run_not_found`.
 */
export async function cancelTurn(ctx: TurnCtx, input: z.input<typeof turnRef>): Promise<TurnAnswer> {
  const { run_id } = parseInput(turnRef, input);
  const { user_id } = ctx.actor;
  const status = await fromDb(() => requestCancel(ctx.db, { user_id, run_id }));
  if (status === 'running') ctx.turns.find(user_id, run_id)?.stop('cancelled');
  return readRun(ctx, { run_id });
}
