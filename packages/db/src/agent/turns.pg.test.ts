import { randomUUID, randomUUIDv7 } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { seedUser } from '../testing/seed.ts';
import {
  beginTurn,
  type BegunTurn,
  continueTurn,
  decideTurn,
  failTurn,
  finishTurn,
  type HeldRun,
  renewTurns,
} from './turn-queries.ts';

/* A process that was only slow, and comes back to a run that another one has taken on since. */

let t: TestDatabase;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());

const limits = { tokens_per_day: null, cost_micros_per_month: null };
const step = (kind: string) => ({
  ...{ op: 'begin', step_id: randomUUIDv7(), kind, provider: 'p', model: 'm', input_hash: null },
  ...{ tokens: 10, cost_micros: 0, share: 1, limits },
});

async function begin(user_id: string, idempotency_key: string, lease_owner: string): Promise<BegunTurn & HeldRun> {
  const turn = await beginTurn(t.db, {
    ...{ user_id, run_id: randomUUIDv7(), idempotency_key, request_hash: 'h', workspace_id: null, context_id: null },
    ...{ role_prompt_id: null, source: 'chat', message_id: randomUUIDv7(), content: 'Hello', language: 'en' },
    ...{ new_context_id: randomUUIDv7(), title: 'Hello', is_answer: false, lease_owner, lease_ms: 10_000 },
    ...{ max_running: 4, hold: { tokens: 0, cost_micros: 0, share: 1, limits }, judge: step('judge') },
    ...{ request_id: randomUUID(), traceparent: null },
  });
  if (turn.outcome !== 'begun') throw new Error(turn.outcome);
  return { ...turn, user_id, lease_owner };
}

const answer = (content: string) => ({
  ...{ message_id: randomUUIDv7(), content, language: 'en' as const, status: 'done' as const, finish_reason: 'stop' },
  ...{ citations: [], first_token_at: null, assess: true },
});
const decision = {
  ...{
    decision: 'continue' as const,
    context_id: null,
    new_context_id: null,
    title: null,
    titled_by: 'rules' as const,
  },
  ...{ is_titled: false, confidence: 1, by: 'rules' as const, drop_context_id: null, mentions: [] },
  ...{ role_prompt_id: null, packing: null },
};
const endLease = (run_id: string) =>
  t.asOwner(`update app.agent_runs set lease_until = now() - interval '1 s' where id = $1`, [run_id]);

test.each([
  ['another process', () => randomUUID()],
  ['the same process', (own: string) => own],
])('nothing that it does counts, once %s has taken the run on', async (_who, ownerOf) => {
  const { user_id } = await seedUser(t.db);
  const key = randomUUID();
  const slow = await begin(user_id, key, randomUUID());
  await endLease(slow.run_id);
  const next = await begin(user_id, key, ownerOf(slow.lease_owner));
  expect(next).toMatchObject({ run_id: slow.run_id, attempt: 2, message: { id: slow.message.id } });

  const failure = { code: 'model.timeout', detail: 'Too late', shown: null };
  const late = [
    () => decideTurn(t.db, slow, decision, [step('specialist')]),
    () => continueTurn(t.db, slow, [step('specialist')]),
    () => finishTurn(t.db, slow, answer('Of the slow one'), []),
    () => failTurn(t.db, slow, failure, []),
  ];
  for (const work of late) await expect(work()).rejects.toMatchObject({ code: 'turn.superseded' });

  await decideTurn(t.db, next, decision, []);
  await finishTurn(t.db, next, answer('Of the next one'), []);
  const said = await t.asOwner('select content from app.chat_messages where user_id = $1 order by seq', [user_id]);
  expect(said).toEqual([{ content: 'Hello' }, { content: 'Of the next one' }]);
});

test('its lease is not renewed, that of the other one is, and a wish to cancel is told to whoever has it', async () => {
  const { user_id } = await seedUser(t.db);
  const key = randomUUID();
  const slow = await begin(user_id, key, randomUUID());
  await endLease(slow.run_id);
  const next = await begin(user_id, key, randomUUID());
  const renew = ({ lease_owner, run_id }: HeldRun) =>
    renewTurns(t.db, { lease_owner, run_ids: [run_id], lease_ms: 10_000 });
  expect(await renew(slow)).toEqual([]);
  expect(await renew(next)).toEqual([{ run_id: next.run_id, is_cancelled: false }]);
  await t.asOwner('update app.agent_runs set cancel_requested_at = now() where id = $1', [next.run_id]);
  expect(await renew(next)).toEqual([{ run_id: next.run_id, is_cancelled: true }]);
});
