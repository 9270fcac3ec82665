import { randomUUID, randomUUIDv7 } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withContext } from '../context.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { seedRun, type SeededRun } from '../testing/seed-chat.ts';
import { seedUser, seedWorkspace } from '../testing/seed.ts';
import { applyLedger, applyUsage } from './ledger-queries.ts';

let t: TestDatabase;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());

interface Grant {
  step_id: string;
  granted: boolean;
  reason: string | null;
  reset_at: string | null;
}
const NO_BOUND = { tokens_per_day: null, cost_micros_per_month: null };

const newRun = async (): Promise<SeededRun> => {
  const { user_id, personal_workspace_id } = await seedUser(t.db);
  return seedRun(t.db, { user_id, workspace_id: personal_workspace_id });
};

const beginOp = (tokens: number, over: object = {}) => ({
  ...{ op: 'begin', step_id: randomUUIDv7(), kind: 'judge', provider: 'ledger-test', model: 'm1', input_hash: null },
  ...{ tokens, cost_micros: 10 * tokens, share: 1, limits: NO_BOUND },
  ...over,
});
const settleOp = (step_id: string, prompt_tokens: number, over: object = {}) => ({
  ...{ op: 'settle', step_id, outcome: 'done', prompt_tokens, output_tokens: 0, thought_tokens: 0, cached_tokens: 0 },
  ...{ cost_micros: 10 * prompt_tokens, calls: 1, latency_ms: 5, error_code: null },
  ...over,
});

const begin = async ({ user_id, run_id }: SeededRun, tokens: number, over: object = {}): Promise<Grant> => {
  const [grant] = await applyLedger<Grant>(t.db, { user_id, run_id, ops: [beginOp(tokens, over)] });
  return grant as Grant;
};
const apply = ({ user_id, run_id }: SeededRun, ...ops: object[]) => applyLedger(t.db, { user_id, run_id, ops });

interface Sums {
  steps: number;
  tokens: number;
  cost: number;
}
/** What the metrics say, and what the steps come to; what is held of the day. */
async function accounts(workspace_id: string): Promise<{ metrics: Sums; steps: Sums; reserved: number; used: number }> {
  const [metrics] = await t.asOwner<Sums>(
    `select coalesce(sum(steps), 0)::int as steps, coalesce(sum(prompt_tokens + output_tokens + thought_tokens), 0)::int as tokens,
       coalesce(sum(cost_micros), 0)::int as cost from app.usage_metrics where workspace_id = $1`,
    [workspace_id],
  );
  const [steps] = await t.asOwner<Sums>(
    `select count(*)::int as steps, coalesce(sum(prompt_tokens + output_tokens + thought_tokens), 0)::int as tokens,
       coalesce(sum(cost_micros), 0)::int as cost from app.agent_steps
     where workspace_id = $1 and provider = 'ledger-test' and outcome not in ('running', 'skipped')`,
    [workspace_id],
  );
  const [budget] = await t.asOwner<{ reserved: number; used: number }>(
    `select coalesce(sum(reserved_tokens), 0)::int as reserved, coalesce(sum(used_tokens), 0)::int as used
     from app.usage_budgets where workspace_id = $1`,
    [workspace_id],
  );
  return { metrics: metrics as Sums, steps: steps as Sums, ...(budget as { reserved: number; used: number }) };
}

test('a step is held while it runs and counted once when it is settled, however often that is told', async () => {
  const run = await newRun();
  const { step_id, granted } = await begin(run, 1_000);
  expect(granted).toBe(true);
  expect(await accounts(run.workspace_id)).toMatchObject({ reserved: 1_000, used: 0, metrics: { steps: 0 } });
  await Promise.all([apply(run, settleOp(step_id, 300)), apply(run, settleOp(step_id, 300))]);
  await apply(run, settleOp(step_id, 999));
  const after = await accounts(run.workspace_id);
  expect(after).toMatchObject({ reserved: 0, used: 300, metrics: { steps: 1, tokens: 300, cost: 3_000 } });
  expect(after.metrics).toEqual(after.steps);
});

test('of many who ask at once for what is left of a day, as many get it as there is room for', async () => {
  const runs = await Promise.all(Array.from({ length: 4 }, newRun));
  const [first] = runs as [SeededRun];
  const shared = await Promise.all(
    Array.from({ length: 20 }, () => begin(first, 100, { limits: { ...NO_BOUND, tokens_per_day: 650 } })),
  );
  expect(shared.filter(({ granted }) => granted)).toHaveLength(6);
  const refused = shared.find(({ granted }) => !granted);
  expect(refused?.reason).toBe('tokens_per_day');
  expect(new Date(refused?.reset_at ?? '').toISOString()).toMatch(/T00:00:00.000Z$/);
  expect(await accounts(first.workspace_id)).toMatchObject({ reserved: 600 });
});

test('what a month may cost is asked too, and says when it begins anew', async () => {
  const run = await newRun();
  const limits = { tokens_per_day: null, cost_micros_per_month: 1_500 };
  expect(await begin(run, 100, { limits })).toMatchObject({ granted: true });
  const refused = await begin(run, 100, { limits });
  expect(refused).toMatchObject({ granted: false, reason: 'cost_per_month' });
  expect(refused.reset_at).toMatch(/-01T00:00:00/);
});

test('as a quota runs out the assessor is refused first, then the judge, the answer last', async () => {
  const run = await newRun();
  const limits = { tokens_per_day: 1_000, cost_micros_per_month: null };
  const { step_id } = await begin(run, 850, { limits });
  await apply(run, settleOp(step_id, 850));
  const ask = async (share: number) => (await begin(run, 40, { limits, share })).granted;
  expect([await ask(0.8), await ask(0.9), await ask(0.9), await ask(1)]).toEqual([false, true, false, true]);
});

test("a workspace's own quota goes before the service's", async () => {
  const run = await newRun();
  await t.asOwner('insert into app.usage_quotas (workspace_id, tokens_per_day) values ($1, 50)', [run.workspace_id]);
  const limits = { tokens_per_day: 1_000_000, cost_micros_per_month: null };
  expect((await begin(run, 51, { limits })).granted).toBe(false);
  expect((await begin(run, 50, { limits })).granted).toBe(true);
});

test('a refused step is in the ledger as skipped, holds nothing and counts in no metric', async () => {
  const run = await newRun();
  const { step_id } = await begin(run, 10, { limits: { ...NO_BOUND, tokens_per_day: 5 } });
  await apply(run, settleOp(step_id, 10));
  const [step] = await t.asOwner('select outcome, error_code from app.agent_steps where id = $1', [step_id]);
  expect(step).toEqual({ outcome: 'skipped', error_code: 'usage.quota_exceeded' });
  expect(await accounts(run.workspace_id)).toMatchObject({ reserved: 0, used: 0, metrics: { steps: 0 } });
});

test('what a dead attempt held is released and costs nothing', async () => {
  const run = await newRun();
  await begin(run, 500);
  await begin(run, 700);
  await apply(run, { op: 'abandon' });
  expect(await accounts(run.workspace_id)).toMatchObject({
    reserved: 0,
    used: 0,
    metrics: { steps: 2, tokens: 0, cost: 0 },
  });
});

test("nobody writes in another person's ledger, nor settles another's step", async () => {
  const [run, other] = [await newRun(), await newRun()];
  const { step_id } = await begin(run, 100);
  await expect(
    applyLedger(t.db, { user_id: other.user_id, run_id: run.run_id, ops: [beginOp(1)] }),
  ).rejects.toMatchObject({ code: 'agent.run_not_found' });
  await apply(other, settleOp(step_id, 100));
  expect(await accounts(run.workspace_id)).toMatchObject({ reserved: 100, used: 0 });
});

test('what belongs to no run is paid by the workspace, in the name of its owner when nobody is named', async () => {
  const { workspace_id, owner_user_id } = await seedWorkspace(t.db);
  const op = beginOp(80, { kind: 'embed' });
  await applyUsage(t.job_db, { user_id: null, workspace_id, ops: [op, settleOp(op.step_id, 60)] });
  const steps = await t.asOwner('select user_id, run_id from app.agent_steps where workspace_id = $1', [workspace_id]);
  expect(steps).toEqual([{ user_id: owner_user_id, run_id: null }]);
  expect(await accounts(workspace_id)).toMatchObject({ reserved: 0, used: 60, metrics: { steps: 1, tokens: 60 } });
  await expect(applyUsage(t.job_db, { user_id: null, workspace_id: randomUUID(), ops: [op] })).rejects.toMatchObject({
    code: 'workspace.not_found',
  });
});

test('who has the run and then asks for the budget, and who begins a step of it meanwhile, do not wait for each other', async () => {
  const run = await newRun();
  const { user_id, run_id } = run;
  await begin(run, 1);
  const other = await withContext(t.db, { user_id }, async (tx) => {
    await tx.call('select from app.agent_runs where user_id = $1 and id = $2 for update', [user_id, run_id]);
    const waiting = begin(run, 10);
    await waitForLock();
    await applyLedger(tx, { user_id, run_id, ops: [beginOp(20)] });
    return { waiting };
  });
  await other.waiting;
  expect(await accounts(run.workspace_id)).toMatchObject({ reserved: 31 });
});

/** Until somebody waits for a lock in this database. */
async function waitForLock(): Promise<void> {
  const waits = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  while ((await t.asOwner(waits)).length === 0) await new Promise((resolve) => setImmediate(resolve));
}

test('whatever is begun, settled and abandoned at once, the metrics are the sum of the ledger and nothing stays held', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          tokens: fc.nat(500),
          used: fc.nat(600),
          outcome: fc.constantFrom('done', 'failed', 'cancelled', 'lost'),
          model: fc.constantFrom('m1', 'm2'),
        }),
        { minLength: 1, maxLength: 12 },
      ),
      async (steps) => {
        const run = await newRun();
        await Promise.all(
          steps.map(async ({ tokens, used, outcome, model }) => {
            const { step_id, granted } = await begin(run, tokens, {
              model,
              limits: { ...NO_BOUND, tokens_per_day: 2_000 },
            });
            if (granted && outcome !== 'lost') await apply(run, settleOp(step_id, used, { outcome }));
          }),
        );
        await apply(run, { op: 'abandon' });
        const { metrics, steps: ledger, reserved, used } = await accounts(run.workspace_id);
        expect(metrics).toEqual(ledger);
        expect({ reserved, used }).toEqual({ reserved: 0, used: metrics.tokens });
      },
    ),
    { numRuns: 15 },
  );
});
