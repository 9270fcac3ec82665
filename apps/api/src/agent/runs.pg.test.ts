import { applyLedger } from '@potentia/db/agent/ledger-queries';
import { addMember } from '@potentia/db/testing/seed';
import { seedRun } from '@potentia/db/testing/seed-chat';
import { runDetails, runPage, usage } from '@potentia/domain/agent/usage-schemas';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { randomUUID, randomUUIDv7 } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { person, type Person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;
let api: TestApi;
let owner: Person;
let admin: Person;
let member: Person;
let stranger: Person;
let workspace_id: string;
beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
  [owner, admin, member, stranger] = (await Promise.all(Array.from({ length: 4 }, () => person(backends.issuer)))) as [
    Person,
    Person,
    Person,
    Person,
  ];
  for (const who of [owner, admin, member, stranger]) await api.call(who, 'GET', '/api/v1/me');
  workspace_id = (await api.call(owner, 'POST', '/api/v1/workspaces', { name: 'Bureau' })).body.id as string;
  const home = { workspace_id, owner_user_id: owner.user_id };
  await addMember(backends.database.db, home, 'admin', admin);
  await addMember(backends.database.db, home, 'member', member);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

test('a run is read with its steps and context items by whom it is of, and by nobody else', async () => {
  const { run_id, step_id } = await seedRun(backends.database.db, { user_id: member.user_id, workspace_id });
  const item = {
    kind: 'memory',
    item_id: randomUUID(),
    leg: 'lexical',
    score: 0.5,
    tokens: 12,
    is_included: true,
    citation: 1,
  };
  await applyLedger(backends.database.db, {
    ...{ user_id: member.user_id, run_id },
    ops: [{ op: 'items', step_id, items: [item] }],
  });
  const { status, body } = await api.call(member, 'GET', `/api/v1/agent/runs/${run_id}`);
  expect(status).toBe(200);
  const run = runDetails.parse(body);
  expect(run.steps.map(({ id }) => id)).toEqual([step_id]);
  expect(run.context_items).toEqual([{ step_id, ...item }]);
  for (const who of [owner, admin, stranger]) {
    const refused = await api.call(who, 'GET', `/api/v1/agent/runs/${run_id}`);
    expect([refused.status, refused.body.code]).toEqual([404, 'agent.run_not_found']);
    expect(runPage.parse((await api.call(who, 'GET', '/api/v1/agent/runs')).body).items).toEqual([]);
  }
});

test('runs come page by page, the newest first, each once', async () => {
  const reader = await person(backends.issuer);
  const { body: me } = await api.call(reader, 'GET', '/api/v1/me');
  const made = [];
  for (let i = 0; i < 5; i += 1) {
    const own = { user_id: reader.user_id, workspace_id: me.personal_workspace_id as string };
    made.push((await seedRun(backends.database.db, own)).run_id);
  }
  const seen: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const path: string = `/api/v1/agent/runs?limit=2${cursor && `&cursor=${cursor}`}`;
    const page = runPage.parse((await api.call(reader, 'GET', path)).body);
    expect(page.items.length).toBeLessThanOrEqual(2);
    seen.push(...page.items.map(({ id }) => id));
    ({ next_cursor: cursor } = page);
  }
  expect(seen.toSorted()).toEqual(made.toSorted());
});

test('what a workspace used is told to its admins with its quota, to a member not, and of the personal space by default', async () => {
  const { run_id } = await seedRun(backends.database.db, { user_id: member.user_id, workspace_id });
  const step_id = randomUUIDv7();
  const limits = { tokens_per_day: null, cost_micros_per_month: null };
  await applyLedger(backends.database.db, {
    ...{ user_id: member.user_id, run_id },
    ops: [
      {
        ...{ op: 'begin', step_id, kind: 'specialist', provider: 'p', model: 'm', input_hash: null, tokens: 500 },
        ...{ cost_micros: 7, share: 1, limits },
      },
      {
        ...{ op: 'settle', step_id, outcome: 'done', prompt_tokens: 300, output_tokens: 40, thought_tokens: 5 },
        ...{ cached_tokens: 10, cost_micros: 6, calls: 2, latency_ms: 900, error_code: null },
      },
    ],
  });
  const path = `/api/v1/usage?workspace_id=${workspace_id}`;
  for (const who of [owner, admin]) {
    const told = usage.parse((await api.call(who, 'GET', path)).body);
    expect(told.quota).toMatchObject({ tokens_today: 345, tokens_reserved: 0, cost_micros_this_month: 6 });
    expect(told.quota.tokens_per_day).toBeGreaterThan(0);
    expect(told.items).toEqual([
      expect.objectContaining({
        ...{ kind: 'specialist', provider: 'p', model: 'm', steps: 1, failures: 0, calls: 2, prompt_tokens: 300 },
        ...{ output_tokens: 40, thought_tokens: 5, cached_tokens: 10, cost_micros: 6, latency_ms: 900 },
      }),
    ]);
  }
  expect(await api.call(member, 'GET', path)).toMatchObject({ status: 403, body: { code: 'workspace.forbidden' } });
  expect(await api.call(stranger, 'GET', path)).toMatchObject({ status: 404, body: { code: 'workspace.not_found' } });
  const own = usage.parse((await api.call(member, 'GET', '/api/v1/usage')).body);
  expect(own.items).toEqual([]);
  expect(own.workspace_id).not.toBe(workspace_id);
});

test('days that end before they begin, or are too many, are refused by name', async () => {
  for (const query of ['from=2026-03-02&until=2026-03-02', 'from=2020-01-01&until=2026-01-01']) {
    const { status, body } = await api.call(owner, 'GET', `/api/v1/usage?${query}`);
    expect([status, body.errors]).toEqual([400, [expect.objectContaining({ pointer: '/until' })]]);
  }
});
