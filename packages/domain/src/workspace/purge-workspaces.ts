import { purgeWorkspaceStep } from '@potentia/db/workspace/queries';
import { z } from 'zod';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';

/** The topic of the job that ends workspaces whose time to be restored is over. */
export const PURGE_WORKSPACES = 'workspace.purge';
export const purgeWorkspacesPayload = z.object({});

/** Rows that one statement deletes. */
const STEP_ROWS = 1_000;
/** Milliseconds of one run; the next goes on where it stopped. */
const RUN_MS = 60_000;

/**
 * Deletes for good, in small steps, every workspace that was deleted more than 30 days ago, with all that belongs to it;
 * files in object storage are left to the sweeper, which the rows' triggers tell. Answers how many workspaces are gone.
 * Several at once share the work.
 */
export async function purgeWorkspaces(
  { db, log, request_id }: Pick<Ctx, 'db' | 'log' | 'request_id'>,
  { step_rows = STEP_ROWS, run_ms = RUN_MS }: { step_rows?: number; run_ms?: number } = {},
): Promise<number> {
  const ends_at = performance.now() + run_ms;
  let gone = 0;
  do {
    const step = await fromDb(() => purgeWorkspaceStep(db, { limit: step_rows, request_id }));
    if (!step) break;
    if (!step.is_gone) continue;
    gone += 1;
    log.info({ workspace_id: step.workspace_id }, 'a deleted workspace is gone for good');
  } while (performance.now() < ends_at);
  return gone;
}
