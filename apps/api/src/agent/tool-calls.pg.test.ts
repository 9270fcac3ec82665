import { seedRun, seedToolCall } from '@potentia/db/testing/seed-chat';
import { toolCall, toolCallPage } from '@potentia/domain/agent/tool-schemas';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { person, type Person, startApi, type TestApi } from '../testing/api.ts';

const CALLS = '/api/v1/agent/tool-calls';

let backends: Backends;
let api: TestApi;
let owner: Person;
let stranger: Person;
let workspace_id: string;
beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
  [owner, stranger] = [await person(backends.issuer), await person(backends.issuer)];
  await api.call(stranger, 'GET', '/api/v1/me');
  workspace_id = (await api.call(owner, 'GET', '/api/v1/me')).body.personal_workspace_id as string;
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

const waiting = async (content: string): Promise<string> => {
  const { db } = backends.database;
  const run = await seedRun(db, { user_id: owner.user_id, workspace_id });
  const { tool_call_id } = await seedToolCall(db, run, { name: 'remember', arguments: { content } });
  // As it was shown.
  const shown = [tool_call_id, `Remember: “${content}”`];
  await backends.database.asOwner('update app.tool_calls set summary = $2 where id = $1', shown);
  return tool_call_id;
};

test('a call that waits is listed, confirmed and taken back by whom it is of', async () => {
  const tool_call_id = await waiting('The boiler is from 1998.');
  const listed = toolCallPage.parse((await api.call(owner, 'GET', `${CALLS}?status=needs_confirmation`)).body);
  expect(listed.items.map((call) => call.tool_call_id)).toContain(tool_call_id);
  const confirmed = await api.call(owner, 'POST', `${CALLS}/${tool_call_id}/confirm`);
  expect(toolCall.parse(confirmed.body)).toMatchObject({ status: 'done', can_undo: true });
  const known = () =>
    backends.database.asOwner('select content from app.user_semantic_memories where user_id = $1', [owner.user_id]);
  expect(await known()).toEqual([{ content: 'The boiler is from 1998.' }]);
  const undone = await api.call(owner, 'POST', `${CALLS}/${tool_call_id}/undo`);
  expect(toolCall.parse(undone.body)).toMatchObject({ can_undo: false, undone_at: expect.any(String) });
  expect(await known()).toEqual([]);
});

test('one that is declined is not done', async () => {
  const tool_call_id = await waiting('The boiler is from 1999.');
  expect((await api.call(owner, 'POST', `${CALLS}/${tool_call_id}/decline`)).body).toMatchObject({
    status: 'declined',
  });
  const late = await api.call(owner, 'POST', `${CALLS}/${tool_call_id}/confirm`);
  expect([late.status, late.body.code]).toEqual([409, 'tool.not_waiting']);
});

test('others find none, and nobody finds any without a token', async () => {
  const tool_call_id = await waiting('The boiler is from 2000.');
  for (const verb of ['confirm', 'decline', 'undo']) {
    const refused = await api.call(stranger, 'POST', `${CALLS}/${tool_call_id}/${verb}`);
    expect([refused.status, refused.body.code]).toEqual([404, 'tool.not_found']);
    expect((await api.call(null, 'POST', `${CALLS}/${tool_call_id}/${verb}`)).status).toBe(401);
  }
  expect((await api.call(stranger, 'GET', CALLS)).body.items).toEqual([]);
  expect((await api.call(null, 'GET', CALLS)).status).toBe(401);
});

test('operators see what became of calls, by tool', async () => {
  const count = async (status: string): Promise<number> => {
    const { values = [] } =
      (await api.context.health.registry.getSingleMetric('potentia_tool_calls_total')?.get()) ?? {};
    return values.find(({ labels }) => labels['tool'] === 'remember' && labels['status'] === status)?.value ?? 0;
  };
  const before = [await count('done'), await count('undone'), await count('declined')] as const;
  const [taken_back, declined] = [await waiting('The roof is of tin.'), await waiting('The roof is of straw.')];
  for (const path of [`${taken_back}/confirm`, `${taken_back}/undo`, `${taken_back}/undo`, `${declined}/decline`])
    await api.call(owner, 'POST', `${CALLS}/${path}`);
  expect([await count('done'), await count('undone'), await count('declined')]).toEqual(before.map((one) => one + 1));
});
