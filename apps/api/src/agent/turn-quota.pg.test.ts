import { randomUUID } from 'node:crypto';
import { addMember, seedWorkspace } from '@potentia/db/testing/seed';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { startGemini, type TestGemini } from '@potentia/sandbox/testing/gemini';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Answer, type Person, person, startApi, type TestApi } from '../testing/api.ts';

const TURNS = '/api/v1/chat/turns';

let backends: Backends;
let gemini: TestGemini;
let api: TestApi;
let other: TestApi;
let workspace_id: string;
let people: Person[];

beforeAll(async () => {
  [backends, gemini] = await Promise.all([startBackends(), startGemini()]);
  [api, other] = await Promise.all([startApi(backends, gemini.env), startApi(backends, gemini.env)]);
  const workspace = await seedWorkspace(backends.database.db);
  workspace_id = workspace.workspace_id;
  people = await Promise.all(Array.from({ length: 10 }, () => person(backends.issuer)));
  for (const who of people) {
    await api.call(who, 'GET', '/api/v1/me');
    await addMember(backends.database.db, workspace, 'member', who);
  }
});
afterAll(async () => {
  await Promise.all([api?.[Symbol.asyncDispose](), other?.[Symbol.asyncDispose]()]);
  await Promise.all([gemini?.[Symbol.asyncDispose](), backends?.[Symbol.asyncDispose]()]);
});

const rows = <T>(text: string, params: unknown[] = [workspace_id]): Promise<T[]> =>
  backends.database.asOwner<T & object>(text, params);
const allow = (tokens: number) =>
  rows(
    `insert into app.usage_quotas (workspace_id, tokens_per_day) values ($1, $2)
     on conflict (workspace_id) do update set tokens_per_day = excluded.tokens_per_day`,
    [workspace_id, tokens],
  );
const ask = (at: TestApi, who: Person): Promise<Answer> => {
  const body = { content: `What about ${randomUUID()}?`, workspace_id };
  return at.call(who, 'POST', TURNS, body, { 'idempotency-key': randomUUID() });
};
const used = async (): Promise<number> => {
  const [row] = await rows<{ used: number; held: number }>(
    'select used_tokens::int as used, reserved_tokens::int as held from app.usage_budgets where workspace_id = $1',
  );
  expect(row?.held ?? 0).toBe(0);
  return row?.used ?? 0;
};

it('of turns at once, on every replica, so many are answered as a quota bears, and the others are told until when', async () => {
  const quota = 50_000;
  await allow(quota);
  // At the end of every transaction, whatever else happens.
  await rows(
    `create function public.check_quota() returns trigger language plpgsql security definer as $$ begin
       if exists (select from app.usage_budgets b where b.workspace_id = new.workspace_id and b.used_tokens + b.reserved_tokens > ${quota}) then
         raise 'beyond the quota'; end if; return null; end $$`,
    [],
  );
  await rows(
    `create constraint trigger check_quota after insert or update on app.usage_budgets deferrable initially deferred
     for each row execute function public.check_quota()`,
    [],
  );
  gemini.set({ chunks: 3, chunk_ms: 20 });
  const answers = await Promise.all(people.flatMap((who) => [ask(api, who), ask(other, who)]));
  await rows('drop trigger check_quota on app.usage_budgets', []);
  const done = answers.filter(({ body }) => body.status === 'done');
  expect(done.length).toBeGreaterThan(0);
  const rest = answers.filter(({ body }) => body.status !== 'done');
  expect(rest.length).toBeGreaterThan(0);
  for (const { status, body } of rest) {
    const { code, reset_at } = status === 429 ? body : body.error;
    expect({ code, reset_at }).toEqual({ code: 'usage.quota_exceeded', reset_at: expect.any(String) });
  }
  expect(await used()).toBeLessThanOrEqual(quota);
});

it('as a quota runs out rules judge first, and then a turn is refused before it begins', async () => {
  const [who] = people as [Person];
  const before = await used();
  await allow(before + 100_000);
  const { body: whole } = await ask(api, who);
  expect(whole).toMatchObject({ status: 'done', judge: { by: 'model' } });
  // Enough for the answer, and not for the judge, who asks for more and may not use the last tenth.
  await allow((await used()) + 14_000);
  expect((await ask(api, who)).body).toMatchObject({ status: 'done', judge: { by: 'rules' } });
  const [held] = await rows<{ most: number }>(
    `select max(reserved_tokens)::int as most from app.agent_steps where workspace_id = $1 and kind = 'specialist'`,
  );
  await allow((await used()) + (held?.most ?? 0) - 1_500);
  const refused = await ask(api, who);
  expect(refused).toMatchObject({ status: 429, body: { code: 'usage.quota_exceeded', reset_at: expect.any(String) } });
});
