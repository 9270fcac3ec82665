import { callOne, type Queryable } from '../client.ts';

interface OfRun {
  user_id: string;
  run_id: string;
}

/**
 * Does `ops` (`domain/agent/ledger.ts`) in the ledger of one run, in order; what each answers. In a transaction the last thing: it
 * locks the budget of the day. Throws `agent.run_not_found`.
 */
export async function applyLedger<Result>(
  db: Queryable,
  { user_id, run_id, ops }: OfRun & { ops: object[] },
): Promise<Result[]> {
  const { results } = await callOne<{ results: Result[] }>(db, 'select app.apply_ledger($1, $2, $3) as results', [
    ...[user_id, run_id],
    ops,
  ]);
  return results;
}

/**
 * The same for work of no run, which a workspace pays for: `begin` and `settle`. `user_id` null: in the name of its owner. Throws
 * `workspace.not_found`.
 */
export async function applyUsage<Result>(
  db: Queryable,
  { user_id, workspace_id, ops }: { user_id: string | null; workspace_id: string; ops: object[] },
): Promise<Result[]> {
  const { results } = await callOne<{ results: Result[] }>(db, 'select app.apply_usage($1, $2, $3) as results', [
    ...[user_id, workspace_id],
    ops,
  ]);
  return results;
}

interface RunPosition {
  started_at: string;
  id: string;
}

/** A page of the person's own runs, the newest first. */
export function listRuns<Run>(
  db: Queryable,
  input: {
    user_id: string;
    context_id: string | null;
    status: string | null;
    after: RunPosition | null;
    limit: number;
  },
): Promise<({ run: Run } & RunPosition)[]> {
  return db.call('select run, started_at, id from app.list_runs($1, $2, $3, $4, $5, $6)', [
    ...[input.user_id, input.context_id, input.status],
    ...[input.after?.started_at ?? null, input.after?.id ?? null, input.limit],
  ]);
}

/** One of the person's own runs with its steps, tool calls and context items. Throws `agent.run_not_found`. */
export async function getRun<Run>(db: Queryable, { user_id, run_id }: OfRun): Promise<Run> {
  const { run } = await callOne<{ run: Run }>(db, 'select app.get_run($1, $2) as run', [user_id, run_id]);
  return run;
}

/** Days of UTC, `until` exclusive; `workspace_id` null: the personal one. Throws `workspace.not_found`, `workspace.forbidden`. */
export async function getUsage<Usage>(
  db: Queryable,
  input: { user_id: string; workspace_id: string | null; from: string; until: string; limits: object },
): Promise<Usage> {
  const params = [input.user_id, input.workspace_id, input.from, input.until, input.limits];
  const { usage } = await callOne<{ usage: Usage }>(db, 'select app.get_usage($1, $2, $3, $4, $5) as usage', params);
  return usage;
}
