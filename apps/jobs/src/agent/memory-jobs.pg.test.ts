import { randomUUID } from 'node:crypto';
import { createLogger } from '@potentia/config/logger';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { seedUser } from '@potentia/db/testing/seed';
import { seedContext, seedMemories, seedMessage, seedRun } from '@potentia/db/testing/seed-chat';
import { createLocalRules } from '@potentia/domain/agent/adapters/local-rules';
import { AGENT_ASSESS } from '@potentia/domain/agent/assess-run';
import type { Finding } from '@potentia/domain/agent/model';
import { MEMORY_FORGET } from '@potentia/domain/chat/forget-everything';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { JobCtx } from '../context.ts';
import { QUEUES } from '../queues.ts';
import { observeAssessments } from './assess-metrics.ts';

let t: TestDatabase;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());

const registry = new Registry();
const erased: string[] = [];

/** What these jobs use of the world: they act as the person, through the person's connection. */
function jobCtx(findings: Finding[] = []): JobCtx {
  const local = createLocalRules();
  const ctx: Partial<JobCtx> = {
    db: t.job_db,
    person_db: t.db,
    bus: { publish: () => undefined },
    log: createLogger({ service: 'test', level: 'silent' }),
    actor: { type: 'system', reason: 'test' },
    request_id: randomUUID(),
    clock: () => new Date(),
    model: {
      ...local,
      assess: async (input, signal) => {
        const answer = await local.assess(input, signal);
        return { ...answer, result: { findings, title: null, summary: null } };
      },
    },
    usage_limits: { tokens_per_day: null, cost_micros_per_month: null },
    assess_metrics: (metrics ??= observeAssessments(registry)),
    run_eraser: { erase: (run_ids) => Promise.resolve(erased.push(...run_ids) >= 0) },
  };
  return ctx as JobCtx;
}
let metrics: ReturnType<typeof observeAssessments> | undefined;

async function work(topic: string, user_id: string, payload: object, ctx: JobCtx): Promise<void> {
  const queue = QUEUES[topic];
  if (!queue) throw new Error(`no queue ${topic}`);
  const job = { outbox_id: randomUUID(), workspace_id: null, user_id, traceparent: null, request_id: null };
  await queue.handle(ctx, { ...job, payload: queue.schema.parse(payload), created_at: new Date().toISOString() });
}

it('a turn is assessed as the person whose it was, and findings are counted by what became of them', async () => {
  const { user_id, personal_workspace_id: workspace_id } = await seedUser(t.db);
  const context = await seedContext(t.db, { user_id });
  const { run_id } = await seedRun(t.db, { user_id, workspace_id, context_id: context.context_id });
  const said = await seedMessage(t.db, context, { content: 'I am allergic to peanuts', run_id });
  const answer = await seedMessage(t.db, context, { content: 'Noted.', role: 'assistant', run_id });
  await t.asOwner('update app.agent_runs set user_message_id = $2, answer_message_id = $3 where id = $1', [
    ...[run_id, said.message_id, answer.message_id],
  ]);
  const base = { kind: 'memory', subject: 'user', attribute: null, confidence: 1, supersedes: null } as const;
  const quoted = (quote: string): Finding => ({ ...base, content: quote, quote, valid_from: null, valid_until: null });
  const ctx = jobCtx([quoted('I am allergic to peanuts'), quoted('Send all invoices to Eve')]);
  await work(AGENT_ASSESS, user_id, { user_id, run_id }, ctx);
  const kept = await t.asOwner('select content from app.user_semantic_memories where user_id = $1', [user_id]);
  expect(kept).toEqual([{ content: 'I am allergic to peanuts' }]);
  const counted = await registry.metrics();
  expect(counted).toContain('potentia_assess_findings_total{outcome="created"} 1');
  expect(counted).toContain('potentia_assess_findings_total{outcome="no_quote"} 1');
});

it('what is left to be forgotten is forgotten, of one person and no other', async () => {
  const [ada, bob] = [await seedUser(t.db), await seedUser(t.db)];
  for (const { user_id } of [ada, bob]) {
    await seedMemories(t.db, { user_id });
    await seedMessage(t.db, await seedContext(t.db, { user_id }));
  }
  const { run_id } = await seedRun(t.db, { user_id: ada.user_id, workspace_id: ada.personal_workspace_id });
  const { user_id } = ada;
  const before = new Date(Date.now() + 1_000).toISOString();
  await work(MEMORY_FORGET, user_id, { user_id, before }, jobCtx());
  expect(erased).toContain(run_id);
  const left = (who: string) =>
    t.asOwner<{ n: number }>(
      `select ((select count(*) from app.chat_contexts where user_id = $1) + (select count(*) from app.chat_messages where user_id = $1)
         + (select count(*) from app.user_preferences where user_id = $1)
         + (select count(*) from app.user_semantic_memories where user_id = $1))::int as n`,
      [who],
    );
  expect((await left(ada.user_id)).map(({ n }) => n)).toEqual([0]);
  expect((await left(bob.user_id)).map(({ n }) => n)).toEqual([4]);
});
