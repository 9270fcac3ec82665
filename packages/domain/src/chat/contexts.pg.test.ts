import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { seedUser } from '@potentia/db/testing/seed';
import {
  seedContext,
  seedContextItem,
  seedMemories,
  seedMessage,
  seedRun,
  seedToolCall,
  type SeededContext,
} from '@potentia/db/testing/seed-chat';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { personCtx, recordBus } from '../platform/testing/person.ts';
import { newId } from '../platform/uuid.ts';
import { archiveContext, restoreContext } from './archive-context.ts';
import { getChatSettings } from './chat-settings.ts';
import { createContext } from './create-context.ts';
import { deleteContext } from './delete-context.ts';
import { deleteMessage } from './delete-message.ts';
import { EMBEDDING_HINT_CHANNEL } from './embedding-hint.ts';
import { getContext } from './get-context.ts';
import { getMessage } from './get-message.ts';
import { indexMessages } from './index-subjects.ts';
import { listContexts } from './list-contexts.ts';
import { listContextMessages, listMessages } from './list-messages.ts';
import { mergeContexts } from './merge-contexts.ts';
import { remember } from './remember.ts';
import { updateContext } from './update-context.ts';

let t: TestDatabase;
let user_id: string;
let workspace_id: string;
let stranger: string;
beforeAll(async () => {
  t = await createTestDatabase();
  stranger = (await seedUser(t.db)).user_id;
});
afterAll(() => t.drop());
beforeEach(async () => {
  const user = await seedUser(t.db);
  user_id = user.user_id;
  workspace_id = user.personal_workspace_id;
});

const run_eraser = { erase: () => Promise.resolve(true) };
const me = (more: object = {}) => ({ ...personCtx(t.db, user_id, more), run_eraser });
const them = () => ({ ...personCtx(t.db, stranger), run_eraser });
const minute = (n: number): string => new Date(Date.UTC(2026, 2, 1, 9, n)).toISOString();
const say = (context: SeededContext, n: number, content = `words ${n}`, more: object = {}) =>
  seedMessage(t.db, context, { content, created_at: minute(n), ...more });
const texts = async (context_id: string): Promise<string[]> =>
  (await listContextMessages(me(), { context_id, limit: 200 })).items.map(({ content }) => content);
const audits = async () =>
  t.asOwner<{ action: string; target_id: string; before: unknown; after: unknown }>(
    `select action, target_id, before, after from app.audit_logs where workspace_id = $1 and action like 'chat%' order by created_at, id`,
    [workspace_id],
  );
const queued = async (): Promise<string[]> =>
  (
    await t.asOwner<{ subject_id: string }>('select subject_id from app.embedding_queue where user_id = $1', [user_id])
  ).map(({ subject_id }) => subject_id);
/** As if everything were indexed by now. */
const settle = async (ids: string[]): Promise<void> => {
  await indexMessages(t.job_db, ids);
  await t.asOwner('delete from app.embedding_queue where user_id = $1', [user_id]);
};
const notFound = { kind: 'not_found', code: 'chat.context_not_found' };

describe('a context', () => {
  it('is opened, renamed, put away and taken up again, each audited without a word of it', async () => {
    const { result: made } = await createContext(me(), { title: 'Secret plans' });
    expect(made).toMatchObject({ title: 'Secret plans', titled_by: 'user', status: 'active', version: 1 });
    const renamed = await updateContext(me(), { context_id: made.id, title: 'Secret aims', expected_version: 1 });
    expect(renamed).toMatchObject({ title: 'Secret aims', version: 2 });
    await expect(
      updateContext(me(), { context_id: made.id, title: 'Late', expected_version: 1 }),
    ).rejects.toMatchObject({ kind: 'precondition', code: 'chat.version_conflict', meta: { current: { version: 2 } } });
    expect(await updateContext(me(), { context_id: made.id, title: 'Secret aims' })).toMatchObject({ version: 2 });
    await t.asOwner(
      `insert into app.chat_heads (user_id, active_context_id) values ($1, $2)
       on conflict (user_id) do update set active_context_id = excluded.active_context_id`,
      [user_id, made.id],
    );
    await archiveContext(me(), { context_id: made.id });
    expect(await getChatSettings(me())).toMatchObject({ active_context_id: null });
    expect(await archiveContext(me(), { context_id: made.id })).toMatchObject({ status: 'archived', version: 3 });
    expect((await listContexts(me(), {})).items).toEqual([]);
    expect((await listContexts(me(), { status: 'archived' })).items).toMatchObject([{ id: made.id }]);
    expect(await restoreContext(me(), { context_id: made.id })).toMatchObject({ status: 'active' });
    await deleteContext(me(), { context_id: made.id });
    const rows = await audits();
    expect(rows.map(({ action }) => action)).toEqual([
      'chat_context.create',
      'chat_context.update',
      'chat_context.archive',
      'chat_context.restore',
      'chat_context.delete',
    ]);
    expect(JSON.stringify(rows)).not.toContain('Secret');
  });

  it('and what is remembered wake whoever indexes them, when they change', async () => {
    const [one, other] = [await seedContext(t.db, { user_id }), await seedContext(t.db, { user_id })];
    const { message_id } = await say(one, 1);
    const works = [
      (more: object) => deleteMessage(me(more), { message_id }),
      (more: object) => mergeContexts(me(more), { context_id: one.context_id, into_context_id: other.context_id }),
      (more: object) => remember(me(more), { kind: 'memory', content: 'A boiler', source: 'said' }),
    ];
    for (const work of works) {
      const bus = recordBus();
      await work({ bus });
      expect(bus.published.map(({ channel }) => channel)).toContain(EMBEDDING_HINT_CHANNEL);
    }
  });

  it('is opened once per key', async () => {
    const ctx = () => me({ idempotency_key: 'one' });
    const first = await createContext(ctx(), { title: 'Once' });
    expect(await createContext(ctx(), { title: 'Once' })).toEqual({ ...first, replayed: true });
    await expect(createContext(ctx(), { title: 'Twice' })).rejects.toMatchObject({ code: 'idempotency.key_reused' });
    expect((await listContexts(me(), {})).items).toHaveLength(1);
  });

  it('stands in the list by when it was last spoken in, page by page', async () => {
    const made = [];
    for (let n = 0; n < 5; n++) made.push(await seedContext(t.db, { user_id }, { last_message_at: minute(n % 3) }));
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await listContexts(me(), { limit: 2, cursor });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    const at = made.map(({ context_id }, n) => [minute(n % 3), context_id] as const);
    expect(seen).toEqual(at.sort((a, b) => (a > b ? -1 : 1)).map(([, id]) => id));
  });

  it('is nothing to anybody else', async () => {
    const context = await seedContext(t.db, { user_id });
    const { context_id } = context;
    const { message_id } = await say(context, 1);
    const own = await seedContext(t.db, { user_id: stranger });
    for (const attempt of [
      () => getContext(them(), { context_id }),
      () => updateContext(them(), { context_id, title: 'x' }),
      () => archiveContext(them(), { context_id }),
      () => restoreContext(them(), { context_id }),
      () => mergeContexts(them(), { context_id, into_context_id: own.context_id }),
      () => mergeContexts(them(), { context_id: own.context_id, into_context_id: context_id }),
      () => deleteContext(them(), { context_id }),
      () => listContextMessages(them(), { context_id }),
    ])
      await expect(attempt()).rejects.toMatchObject(notFound);
    for (const attempt of [() => getMessage(them(), { message_id }), () => deleteMessage(them(), { message_id })])
      await expect(attempt()).rejects.toMatchObject({ kind: 'not_found', code: 'chat.message_not_found' });
    expect((await listMessages(them(), {})).items).toEqual([]);
    expect((await listContexts(them(), {})).items.map(({ id }) => id)).toEqual([own.context_id]);
    expect(await texts(context_id)).toEqual(['words 1']);
    await deleteContext(them(), { context_id: own.context_id });
  });
});

describe('merging', () => {
  it('puts messages where they belong by time, joins the summaries and takes runs and tool calls along', async () => {
    const [from, into] = [
      await seedContext(t.db, { user_id }),
      await seedContext(t.db, { user_id }, { title: 'Kept' }),
    ];
    const said = [await say(into, 1), await say(from, 2), await say(into, 3), await say(from, 4)];
    await say(into, 50);
    await t.asOwner(
      `update app.chat_contexts set summary = 'Sum of ' || title, summary_until = seq.until
      from (select max(seq) as until from app.chat_messages where user_id = $1) seq where user_id = $1`,
      [user_id],
    );
    const run = await seedRun(t.db, { user_id, workspace_id, context_id: from.context_id });
    await seedToolCall(t.db, run);
    await t.asOwner('update app.chat_heads set active_context_id = $1 where user_id = $2', [from.context_id, user_id]);
    await settle(said.map(({ message_id }) => message_id));

    const merged = await mergeContexts(me(), { context_id: from.context_id, into_context_id: into.context_id });
    expect(merged.result).toMatchObject({
      id: into.context_id,
      title: 'Kept',
      summary: 'Sum of Kept\n\nSum of Seeded context',
    });
    expect(await texts(into.context_id)).toEqual(['words 1', 'words 2', 'words 3', 'words 4', 'words 50']);
    await expect(getContext(me(), { context_id: from.context_id })).rejects.toMatchObject(notFound);
    const found = await t.asOwner(
      `select (select count(*) from app.agent_runs where context_id = $1) as runs, (select count(*) from app.tool_calls where context_id = $1) as calls,
         (select count(*) from app.message_terms where context_id = $1) as terms, (select active_context_id from app.chat_heads where user_id = $2) as active`,
      [into.context_id, user_id],
    );
    expect(found).toEqual([{ runs: '1', calls: '1', terms: '5', active: into.context_id }]);
    // All whose neighbours are others now; the last one too, which stood after words 3.
    expect(await queued()).toHaveLength(5);
  });

  it('of large ones goes in slices, and leaves one with everything, also when both are merged into each other', async () => {
    const fill = async (context: SeededContext, first: number) => {
      await t.asOwner(
        `insert into app.chat_messages (id, user_id, context_id, seq, role, content, source, language, created_at)
         select gen_random_uuid(), $1, $2, 100000 * $3 + n, 'user', 'words ' || n, 'chat', 'en', now() - n * interval '1 minute' from generate_series(1, 1300) n`,
        [user_id, context.context_id, first],
      );
    };
    const [a, b] = [await seedContext(t.db, { user_id }), await seedContext(t.db, { user_id })];
    await fill(a, 1);
    const merged = await mergeContexts(me(), { context_id: a.context_id, into_context_id: b.context_id });
    const count = async (context_id: string) =>
      (await t.asOwner('select from app.chat_messages where context_id = $1', [context_id])).length;
    expect(await count(merged.result.id)).toBe(1_300);
    const [audit] = await t.asOwner<{ after: object }>(
      `select after from app.audit_logs where action = 'chat_context.merge' and target_id = $1`,
      [a.context_id],
    );
    expect(audit?.after).toMatchObject({ messages: 1_300 });

    const c = await seedContext(t.db, { user_id });
    await fill(c, 2);
    const outcomes = await Promise.allSettled([
      mergeContexts(me(), { context_id: b.context_id, into_context_id: c.context_id }),
      mergeContexts(me(), { context_id: c.context_id, into_context_id: b.context_id }),
    ]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect((await count(b.context_id)) + (await count(c.context_id))).toBe(2_600);
    expect((await listContexts(me(), {})).items).toHaveLength(1);
  });

  it('of a context with itself is refused, and the same request again answers the same', async () => {
    const [from, into] = [await seedContext(t.db, { user_id }), await seedContext(t.db, { user_id })];
    await expect(
      mergeContexts(me(), { context_id: from.context_id, into_context_id: from.context_id }),
    ).rejects.toMatchObject({ code: 'request.invalid', meta: { errors: [{ pointer: '/into_context_id' }] } });
    await expect(mergeContexts(me(), { context_id: from.context_id, into_context_id: newId() })).rejects.toMatchObject(
      notFound,
    );
    const input = { context_id: from.context_id, into_context_id: into.context_id };
    const first = await mergeContexts(me({ idempotency_key: 'm' }), input);
    expect(await mergeContexts(me({ idempotency_key: 'm' }), input)).toEqual({ ...first, replayed: true });
    await expect(mergeContexts(me(), input)).rejects.toMatchObject(notFound);
  });

  it('of two into each other at once leaves one with everything', async () => {
    const [a, b] = [await seedContext(t.db, { user_id }), await seedContext(t.db, { user_id })];
    await say(a, 1);
    await say(b, 2);
    const outcomes = await Promise.allSettled([
      mergeContexts(me(), { context_id: a.context_id, into_context_id: b.context_id }),
      mergeContexts(me(), { context_id: b.context_id, into_context_id: a.context_id }),
    ]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const [left] = (await listContexts(me(), {})).items;
    expect(await texts(left!.id)).toEqual(['words 1', 'words 2']);
  });
});

describe('deleting', () => {
  it('a context takes its words out of everything, and leaves of its runs the numbers', async () => {
    const context = await seedContext(t.db, { user_id });
    const run = await seedRun(t.db, { user_id, workspace_id, context_id: context.context_id });
    const { message_id } = await say(context, 1, 'unforgettable pancakes', { run_id: run.run_id });
    await settle([message_id]);
    await seedToolCall(t.db, run, { arguments: { content: 'pancakes' } });
    await seedContextItem(t.db, run, message_id);
    const { preference_id } = await seedMemories(t.db, { user_id });
    await t.asOwner(
      `update app.agent_runs set judgement = '{"title": "pancakes", "confidence": 1}', user_message_id = $1 where id = $2`,
      [message_id, run.run_id],
    );
    await t.asOwner(`update app.user_preferences set source_message_id = $1, quote = 'pancakes' where id = $2`, [
      message_id,
      preference_id,
    ]);
    await deleteContext(me(), { context_id: context.context_id });
    for (const table of ['chat_messages', 'message_terms', 'tool_calls', 'lexicon_terms', 'embedding_queue']) {
      const owner = table === 'lexicon_terms' ? 'owner_id' : 'user_id';
      const where = table === 'embedding_queue' ? `and subject_type = 'message'` : '';
      const positive = table === 'lexicon_terms' ? 'and documents > 0' : '';
      expect(
        await t.asOwner(`select * from app.${table} where ${owner} = $1 ${where} ${positive}`, [user_id]),
        table,
      ).toEqual([]);
    }
    const [left] = await t.asOwner<object>('select * from app.agent_runs where id = $1', [run.run_id]);
    expect(left).toMatchObject({
      context_id: null,
      user_message_id: null,
      judgement: { confidence: 1 },
      status: 'done',
    });
    expect(JSON.stringify(left)).not.toContain('pancakes');
    expect(await t.asOwner('select item_id from app.context_items where run_id = $1', [run.run_id])).toEqual([
      { item_id: null },
    ]);
    expect(
      await t.asOwner('select source_message_id, quote from app.user_preferences where user_id = $1', [user_id]),
    ).toEqual([{ source_message_id: null, quote: null }]);
  });

  it('a message closes the gap that it leaves, and takes a summary and a title of it along', async () => {
    const context = await seedContext(t.db, { user_id }, { title: 'Pancakes' });
    const said = [
      await say(context, 1),
      await say(context, 2, 'pancakes'),
      await say(context, 3),
      await say(context, 4),
    ];
    await settle(said.map(({ message_id }) => message_id));
    await t.asOwner(`update app.chat_contexts set summary = 'of pancakes', summary_until = 3 where id = $1`, [
      context.context_id,
    ]);
    await deleteMessage(me(), { message_id: said[1]!.message_id });
    expect(await texts(context.context_id)).toEqual(['words 1', 'words 3', 'words 4']);
    expect((await queued()).toSorted()).toEqual([said[0]!.message_id, said[2]!.message_id].toSorted());
    expect(await getContext(me(), { context_id: context.context_id })).toMatchObject({
      summary: null,
      title: 'words 1',
      titled_by: 'rules',
    });
    await expect(deleteMessage(me(), { message_id: said[1]!.message_id })).rejects.toMatchObject({
      code: 'chat.message_not_found',
    });
    expect((await audits()).map(({ action }) => action)).toEqual(['chat_message.delete']);
  });
});

describe('a title', () => {
  it('that was taken from a message goes with it, and one that the person gave stays', async () => {
    const [ours, mine] = [
      await seedContext(t.db, { user_id }, { title: 'Pancakes', titled_by: 'model' }),
      await seedContext(t.db, { user_id }, { title: 'Mine', titled_by: 'user' }),
    ];
    const title = async ({ context_id }: SeededContext) => (await getContext(me(), { context_id })).title;
    for (const context of [ours, mine]) {
      const said = [];
      for (let n = 0; n < 7; n++) said.push(await say(context, n));
      await deleteMessage(me(), { message_id: said[6]!.message_id });
      expect(await title(context)).toBe(context === ours ? 'Pancakes' : 'Mine');
      await deleteMessage(me(), { message_id: said[0]!.message_id });
      expect(await title(context)).toBe(context === ours ? 'words 1' : 'Mine');
    }
    const alone = await seedContext(t.db, { user_id });
    await deleteMessage(me(), { message_id: (await say(alone, 1)).message_id });
    expect(await title(alone)).toBe('Untitled');
  });
});

describe('what was said', () => {
  it('is read in its order, on and back, what was said at once by its arrival', async () => {
    const context = await seedContext(t.db, { user_id });
    for (const n of [3, 1, 2, 2, 5, 4]) await say(context, n, `at ${n}`);
    const { context_id } = context;
    const all = ['at 1', 'at 2', 'at 2', 'at 3', 'at 4', 'at 5'];
    expect(await texts(context_id)).toEqual(all);
    for (const order of ['asc', 'desc'] as const) {
      const wanted = order === 'asc' ? all : all.toReversed();
      const read = (cursor?: string) => listContextMessages(me(), { context_id, order, limit: 2, cursor });
      const first = await read();
      const second = await read(first.next_cursor!);
      const third = await read(second.next_cursor!);
      expect([first, second, third].flatMap(({ items }) => items.map(({ content }) => content))).toEqual(wanted);
      expect([first.previous_cursor, third.next_cursor]).toEqual([null, null]);
      const back = await read(third.previous_cursor!);
      expect(back.items).toEqual(second.items);
      expect((await read(back.previous_cursor!)).items).toEqual(first.items);
      expect((await read(back.next_cursor!)).items).toEqual(third.items);
    }
    await expect(listContextMessages(me(), { context_id, cursor: 'x' })).rejects.toMatchObject({
      code: 'request.invalid',
    });
  });

  it('is found over all contexts by time, role and source', async () => {
    const [one, two] = [await seedContext(t.db, { user_id }), await seedContext(t.db, { user_id })];
    await say(one, 1, 'first');
    await say(two, 2, 'second', { role: 'assistant' });
    await say(one, 3, 'third', { source: 'whatsapp' });
    const find = async (query: object) => (await listMessages(me(), query)).items.map(({ content }) => content);
    expect(await find({})).toEqual(['first', 'second', 'third']);
    expect(await find({ from: minute(2), to: minute(3) })).toEqual(['second']);
    expect(await find({ role: 'user', order: 'desc' })).toEqual(['third', 'first']);
    expect(await find({ source: 'whatsapp' })).toEqual(['third']);
  });

  it('of an answer is told with what it cites, and not with what else it was told', async () => {
    const context = await seedContext(t.db, { user_id });
    const run = await seedRun(t.db, { user_id, workspace_id });
    const { message_id: cited } = await say(context, 1);
    await seedContextItem(t.db, run, cited);
    const { message_id: unused } = await say(context, 1, 'beside it');
    await seedContextItem(t.db, run, unused, { citation: 2, is_cited: false });
    // An attempt that broke off before this one had numbers of its own.
    const step_id = newId();
    await t.asOwner('update app.agent_runs set attempt = 2 where id = $1', [run.run_id]);
    await t.asOwner('update app.agent_steps set attempt = 2 where id = $1', [run.step_id]);
    await t.asOwner(
      `insert into app.agent_steps (id, user_id, workspace_id, run_id, attempt, kind, provider, model, outcome, finished_at)
       values ($1, $2, $3, $4, 1, 'specialist', 'p', 'm', 'abandoned', now())`,
      [step_id, user_id, workspace_id, run.run_id],
    );
    await seedContextItem(t.db, { ...run, step_id }, unused, { citation: 1, is_cited: false });
    const { message_id } = await say(context, 2, 'as you said [1]', { role: 'assistant', run_id: run.run_id });
    expect(await getMessage(me(), { message_id })).toMatchObject({
      citations: [{ index: 1, kind: 'message', id: cited, leg: 'lexical', score: 0.5 }],
    });
    expect(await getMessage(me(), { message_id: cited })).toMatchObject({ citations: [] });
  });
});
