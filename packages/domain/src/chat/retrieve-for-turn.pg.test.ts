import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { addMember, seedBlock, seedCanvas, seedUser, seedWorkspace } from '@potentia/db/testing/seed';
import { seedCalendar, seedSchedule, seedSubscription } from '@potentia/db/testing/seed-calendar';
import { seedContext, seedMemories, seedMessage } from '@potentia/db/testing/seed-chat';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLocalRules } from '../agent/adapters/local-rules.ts';
import type { Embedder } from '../agent/model.ts';
import { personCtx } from '../platform/testing/person.ts';
import { newId } from '../platform/uuid.ts';
import { indexBlocks, indexMessages } from './index-subjects.ts';
import { retrieveForTurn, type RetrieveCtx, type RetrieveInput } from './retrieve-for-turn.ts';

let t: TestDatabase;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());

const model = createLocalRules();
const as = (user_id: string, more: Partial<RetrieveCtx> = {}): RetrieveCtx => ({
  ...personCtx(t.db, user_id),
  model,
  ...more,
});
const ask = (workspace_id: string, message: string, more: Partial<RetrieveInput> = {}): RetrieveInput => ({
  ...{ message, message_id: newId(), workspace_id, role_prompt_id: null, time_zone: 'Asia/Jakarta' },
  ...{ now: new Date().toISOString(), signal: new AbortController().signal, onLateVector: () => undefined },
  ...more,
});

/** Somebody with something of everything. */
async function someone() {
  const workspace = await seedWorkspace(t.db);
  const canvas = await seedCanvas(t.db, workspace, { title: 'Zoo' });
  const { user_id, workspace_id } = canvas;
  const block = await seedBlock(t.db, canvas, { content: { text: 'Herons eat fish' } });
  await indexBlocks(t.job_db, [{ ...canvas, block_id: block.id }]);
  const context = await seedContext(t.db, { user_id });
  const said = await seedMessage(t.db, context, {
    content: 'The heron is called Otto',
    created_at: '2026-01-01T08:00:00Z',
  });
  const told = await seedMessage(t.db, context, {
    content: 'Noted.',
    role: 'assistant',
    created_at: '2026-01-01T08:01:00Z',
  });
  const other = { content: 'heron of somebody', source: 'import', created_at: '2025-01-01T08:01:00Z' } as const;
  const imported = await seedMessage(t.db, context, { ...other, author_name: 'Ana' });
  await indexMessages(t.job_db, [said.message_id, told.message_id, imported.message_id]);
  return { ...(await seedMemories(t.db, { user_id })), user_id, workspace_id, canvas, said, told, imported, block };
}

it('brings what a prompt may draw on, with whose words it is, and nothing of another person', async () => {
  const one = await someone();
  const found = await retrieveForTurn(as(one.user_id), ask(one.workspace_id, 'What is the heron called?'));
  expect(found.warnings).toEqual([]);
  expect(found.preferences.map(({ id }) => id)).toEqual([one.preference_id]);
  expect(found.history.map(({ id, origin, text }) => ({ id, origin, text }))).toEqual([
    { id: one.said.message_id, origin: 'user', text: 'The heron is called Otto' },
    { id: one.told.message_id, origin: 'assistant', text: 'Noted.' },
    { id: one.imported.message_id, origin: 'other', text: 'Ana: heron of somebody' },
  ]);
  expect(found.history[0]).toMatchObject({ kind: 'message', leg: 'lexical', place_id: one.said.context_id });
  expect(found.blocks).toMatchObject([
    { kind: 'block', id: one.block.id, origin: 'other', text: 'Zoo: Herons eat fish' },
  ]);
  expect(found.role.prompt).not.toBe('');
  expect(found.embedding).toBeNull();

  const two = await seedUser(t.db);
  const nothing = await retrieveForTurn(as(two.user_id), ask(two.personal_workspace_id, 'What is the heron called?'));
  expect([nothing.preferences, nothing.memories, nothing.history, nothing.blocks]).toEqual([[], [], [], []]);
  expect(nothing.warnings).toEqual([]);
});

it('does not find the message that is answered', async () => {
  const one = await someone();
  const { message_id } = one.said;
  const found = await retrieveForTurn(as(one.user_id), ask(one.workspace_id, 'heron', { message_id }));
  expect(found.history.map(({ id }) => id)).not.toContain(message_id);
});

it('tells what is in the calendars in the next days, on the clock of the person, without what is cancelled', async () => {
  const workspace = await seedWorkspace(t.db);
  const calendar = await seedCalendar(t.db, workspace);
  const user_id = workspace.owner_user_id;
  const at = (starts_local: string, more: object = {}) =>
    seedSchedule(t.db, calendar, { starts_local, time_zone: 'Asia/Jakarta', ...more });
  const soon = await at('2026-03-03T09:00:00', { title: 'Standup' });
  await at('2026-03-30T09:00:00', { title: 'Much later' });
  const now = '2026-03-02T01:00:00Z';
  const found = await retrieveForTurn(as(user_id), ask(workspace.workspace_id, 'What is next?', { now }));
  expect(found.warnings).toEqual([]);
  expect(found.schedule).toMatchObject([
    { kind: 'schedule', id: soon.schedule_id, leg: 'always', at: '2026-03-03T02:00:00Z' },
  ]);
  expect(found.schedule[0]?.text).toMatch(/^2026-03-03 09:00.* Standup/);
  const subscriber = await addMember(t.db, workspace);
  await seedSubscription(t.db, calendar, 'viewer', subscriber);
  const theirs = await retrieveForTurn(as(subscriber.user_id), ask(workspace.workspace_id, 'next?', { now }));
  expect(theirs.schedule.map(({ origin }) => origin)).toEqual(['other']);
});

it('loses only the leg that fails', async () => {
  const one = await someone();
  const embedder: Embedder = { model: 'm', dimensions: 768, embed: () => Promise.reject(new Error('no')) };
  const db = {
    ...t.db,
    call: (text: string, ...rest: unknown[]) =>
      text.includes('find_relevant_blocks')
        ? Promise.reject(new Error('no'))
        : (t.db.call as (...all: unknown[]) => never)(text, ...rest),
  } as typeof t.db;
  const found = await retrieveForTurn(
    as(one.user_id, { db, model: { ...model, embedder } }),
    ask(one.workspace_id, 'heron'),
  );
  expect(found.warnings.toSorted()).toEqual(['retrieve.blocks_failed', 'retrieve.vector_failed']);
  expect(found.blocks).toEqual([]);
  expect(found.history).not.toEqual([]);
});

it('ends when it is cancelled', async () => {
  const { user_id, personal_workspace_id } = await seedUser(t.db);
  const stop = new AbortController();
  const embedder: Embedder = {
    ...{ model: 'm', dimensions: 768 },
    embed: (_texts, _purpose, signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped')))),
  };
  const ctx = as(user_id, { model: { ...model, embedder } });
  const running = retrieveForTurn(ctx, ask(personal_workspace_id, 'heron', { signal: stop.signal }));
  stop.abort();
  await expect(running).rejects.toThrow();
});
