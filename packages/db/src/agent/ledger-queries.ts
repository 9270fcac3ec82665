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
