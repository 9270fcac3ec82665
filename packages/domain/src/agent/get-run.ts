import { getRun as selectRun } from '@potentia/db/agent/ledger-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { type RunDetails, runPath } from './usage-schemas.ts';

/** One of one's own runs with everything that its ledger holds. Throws `agent.run_not_found`. */
export function getRun(ctx: UserCtx, input: z.input<typeof runPath>): Promise<RunDetails> {
  const { run_id } = parseInput(runPath, input);
  return fromDb(() => selectRun<RunDetails>(ctx.db, { user_id: ctx.actor.user_id, run_id }));
}
