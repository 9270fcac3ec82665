import { readEmbeddingBacklog } from '@potentia/db/chat/embedding-queries';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { seedBlock, seedCanvas, seedUser, seedWorkspace } from '@potentia/db/testing/seed';
import { seedContext, seedMemories, seedMessage, type SeededContext } from '@potentia/db/testing/seed-chat';
import { embedBatch } from '@potentia/domain/chat/embed-batch';
import { reembed } from '@potentia/domain/chat/reembed';
import { newId } from '@potentia/domain/platform/uuid';
import { expect, onTestFinished, test, vi } from 'vitest';
import {
  cancelled,
  createTestEmbedder,
  drained,
  isVectorOf,
  makeWorker,
  readQueue,
  readVectors,
  refused,
  startWorker,
  unavailable,
} from '../testing/embedding-kit.ts';

/** A worker takes whatever it finds: a database for each test. */
async function createDatabase(): Promise<TestDatabase> {
  const t = await createTestDatabase();
  onTestFinished(() => t.drop());
  return t;
}

/** Messages a minute apart, from both sides in turn. */
async function say(t: TestDatabase, context: SeededContext, contents: string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const [n, content] of contents.entries()) {
    const created_at = new Date(Date.UTC(2026, 4, 1, 9, n)).toISOString();
    const role = n % 2 ? 'assistant' : 'user';
    ids.push((await seedMessage(t.db, context, { content, created_at, role })).message_id);
  }
  return ids;
}

const sentences = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => `Sentence number ${String(n)} is about zebras.`);

const countTerms = async (t: TestDatabase, ids: string[]): Promise<number> => {
  const text = `select (select count(*) from app.message_terms where message_id = any ($1))
    + (select count(*) from app.block_terms where block_id = any ($1)) as n`;
  return Number((await t.asOwner<{ n: string }>(text, [ids]))[0]?.n);
};

test('messages, memories and blocks get words and vectors, with the side, the model and who pays', async () => {
  const t = await createDatabase();
  const embedder = createTestEmbedder();
  const kit = startWorker(t.job_db, embedder);
  const context = await seedContext(t.db);
  const messages = await say(t, context, ['I bought a violin.', 'How nice.']);
  const { memory_id } = await seedMemories(t.db, context);
  const canvas = await seedCanvas(t.db, await seedWorkspace(t.db));
  const { id: block_id } = await seedBlock(t.db, canvas, { content: { text: 'A block of words' } });
  const empty = await seedBlock(t.db, canvas, { content: { text: '' } });
  await drained(t, [...messages, memory_id, block_id]);

  const vectors = await readVectors(t, [...messages, memory_id, block_id, empty.id]);
  expect(vectors.get(messages[0]!)).toMatchObject({ side: 'user', model: 'test-1', dimensions: 768 });
  expect(vectors.get(messages[1]!)?.side).toBe('assistant');
  // What was said before stands in front.
  expect(isVectorOf(vectors.get(messages[0]!), 'I bought a violin.')).toBe(true);
  expect(isVectorOf(vectors.get(messages[1]!), 'I bought a violin.\nHow nice.')).toBe(true);
  expect(isVectorOf(vectors.get(memory_id), 'Seeded memory')).toBe(true);
  expect(isVectorOf(vectors.get(block_id), 'A block of words')).toBe(true);
  expect(vectors.size).toBe(4);
  expect(await countTerms(t, [...messages, block_id])).toBe(3);
  expect(kit.done).toEqual({ index: 3, vector: 4 });

  const usage = await t.asOwner<{ user_id: string; is_personal: boolean; tokens: number; cost: number }>(
    `select w.is_personal, w.owner_user_id as user_id, sum(m.prompt_tokens)::int as tokens, sum(m.cost_micros)::int as cost
     from app.usage_metrics m join app.workspaces w on w.id = m.workspace_id
     where m.kind = 'embed' and m.model = 'test-1' and m.provider = 'gemini' group by 1, 2 order by 1`,
  );
  expect(usage).toMatchObject([
    { is_personal: false, user_id: canvas.user_id },
    { is_personal: true, user_id: context.user_id },
  ]);
  // Seven a text, split by how long the texts are.
  expect(usage.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(28);
  expect(usage.every(({ tokens, cost }) => tokens > 0 && cost === tokens * 10)).toBe(true);
  const open = `select 1 from app.agent_steps where outcome = 'running' union all select 1 from app.usage_budgets where reserved_tokens > 0`;
  expect(await t.asOwner(open)).toEqual([]);
});

test('without a provider words are indexed, and nothing waits', async () => {
  const t = await createDatabase();
  startWorker(t.job_db, null);
  const context = await seedContext(t.db);
  const messages = await say(t, context, sentences(5));
  const { memory_id } = await seedMemories(t.db, context);
  await drained(t, [...messages, memory_id]);
  expect(await countTerms(t, messages)).toBe(5);
  expect((await readVectors(t, [...messages, memory_id])).size).toBe(0);
  expect(await t.asOwner('select 1 from app.agent_steps')).toEqual([]);
});

test('while the provider is away words are indexed and vectors wait; then all is drained, and nothing was lost', async () => {
  const t = await createDatabase();
  const embedder = createTestEmbedder();
  embedder.failWith = unavailable;
  const kit = startWorker(t.job_db, embedder);
  const context = await seedContext(t.db);
  const messages = await say(t, context, sentences(150));
  await vi.waitFor(async () => expect(await countTerms(t, messages)).toBe(150), { timeout: 10_000 });
  await vi.waitFor(() => expect(kit.waiting['model.unavailable']).toBeGreaterThan(0), { timeout: 5_000 });
  const backlog = await readEmbeddingBacklog(t.db, context.user_id);
  expect(backlog).toMatchObject({ pending: 0, indexed: 150, vectors: { pending: 150, embedded: 0, failed: 0 } });
  expect(backlog.vectors.oldest_pending_at).toMatch(/Z$/);
  expect((await readQueue(t, messages)).every(({ is_indexed, attempts }) => is_indexed && attempts === 0)).toBe(true);
  expect(kit.worker.is_away).toBe(true);

  embedder.failWith = () => null;
  await drained(t, messages);
  const vectors = await readVectors(t, messages);
  expect(vectors.size).toBe(150);
  expect(isVectorOf(vectors.get(messages[149]!), sentences(150).slice(148).join('\n'))).toBe(true);
  expect(await readEmbeddingBacklog(t.db, context.user_id)).toMatchObject({ vectors: { pending: 0, embedded: 150 } });
  // Somebody else's backlog is their own.
  const stranger = await seedUser(t.db);
  expect(await readEmbeddingBacklog(t.db, stranger.user_id)).toMatchObject({ indexed: 0, vectors: { embedded: 0 } });
}, 30_000);

test('two workers at once embed each message once', async () => {
  const t = await createDatabase();
  const embedder = createTestEmbedder();
  const people = await Promise.all([1, 2, 3].map(() => seedContext(t.db)));
  const ids = (await Promise.all(people.map((context) => say(t, context, sentences(150))))).flat();
  startWorker(t.job_db, embedder);
  startWorker(t.job_db, embedder);
  await drained(t, ids);
  expect((await readVectors(t, ids)).size).toBe(450);
  expect(embedder.asked.flat()).toHaveLength(450);
  expect(Math.max(...embedder.asked.map((texts) => texts.length))).toBeLessThanOrEqual(100);
}, 30_000);

test('what is deleted while it waits, or while it is embedded, leaves nothing behind', async () => {
  const t = await createDatabase();
  const embedder = createTestEmbedder();
  const context = await seedContext(t.db);
  const [waiting] = await say(t, context, ['Forget me first.']);
  const forget = (id: string) => t.asOwner('delete from app.chat_messages where id = $1', [id]);
  await forget(waiting!);
  expect(await readQueue(t, [waiting!])).toEqual([]);

  const [asked] = await say(t, context, ['Forget me while I am asked for.']);
  embedder.before = () => forget(asked!).then(() => undefined);
  const kit = startWorker(t.job_db, embedder);
  await vi.waitFor(() => expect(embedder.asked).toHaveLength(1));
  await kit.worker.stop();
  expect(embedder.asked.flat()).toEqual(['Forget me while I am asked for.']);
  expect(await readQueue(t, [waiting!, asked!])).toEqual([]);
  expect((await readVectors(t, [waiting!, asked!])).size).toBe(0);
  expect(await countTerms(t, [waiting!, asked!])).toBe(0);
});

test('what is edited while it is embedded gets the vector of what it says now', async () => {
  const t = await createDatabase();
  const embedder = createTestEmbedder();
  const canvas = await seedCanvas(t.db);
  const { id } = await seedBlock(t.db, canvas, { content: { text: 'before' } });
  const edit = (text: string) => t.asOwner(`update app.blocks set content = $2 where id = $1`, [id, { text }]);
  embedder.before = async ([text]) => {
    if (text === 'before') await edit('what it says now');
  };
  startWorker(t.job_db, embedder);
  await drained(t, [id]);
  expect(embedder.asked.flat()).toEqual(['before', 'what it says now']);
  expect(isVectorOf((await readVectors(t, [id])).get(id), 'what it says now')).toBe(true);
});

test('a worker that comes late does not undo what another has done with a newer text', async () => {
  const t = await createDatabase();
  const canvas = await seedCanvas(t.db);
  const { id } = await seedBlock(t.db, canvas, { content: { text: 'old' } });
  await t.asOwner(`update app.embedding_queue set is_indexed = true, available_at = now()`);
  const [slow, fast] = [createTestEmbedder(), createTestEmbedder()];
  slow.before = async () => {
    await t.asOwner(`update app.blocks set content = $2 where id = $1`, [id, { text: 'newer' }]);
    await t.asOwner(`update app.embedding_queue set is_indexed = true, available_at = now()`);
    await embedBatch(makeWorker(t.job_db, fast).ctx, AbortSignal.timeout(5_000));
    expect(await readQueue(t, [id])).toEqual([]);
  };
  await embedBatch(makeWorker(t.job_db, slow).ctx, AbortSignal.timeout(5_000));
  // Its own is older, so it is done once more.
  expect(await readQueue(t, [id])).toMatchObject([{ is_indexed: true, is_due: true }]);
  await embedBatch(makeWorker(t.job_db, fast).ctx, AbortSignal.timeout(5_000));
  expect(isVectorOf((await readVectors(t, [id])).get(id), 'newer')).toBe(true);
});

test('what the provider refuses is found among the others, tried again and given up, until it changes', async () => {
  const t = await createDatabase();
  const embedder = createTestEmbedder();
  embedder.failWith = (texts) => (texts.some((text) => text.endsWith('poison')) ? refused() : null);
  const context = await seedContext(t.db);
  const ids = await say(t, context, [
    ...sentences(20),
    'This is poison',
    ...sentences(20).map((text) => `${text} Yes.`),
  ]);
  const poison = ids[20]!;
  const kit = startWorker(t.job_db, embedder);
  await drained(t, ids.filter((id) => id !== poison)); // prettier-ignore
  const again = () =>
    t.asOwner(
      `update app.embedding_queue set available_at = now() where subject_id = $1 and available_at < 'infinity'`,
      [poison],
    );
  for (const attempts of [1, 2, 3]) {
    await vi.waitFor(async () => expect(await readQueue(t, [poison])).toMatchObject([{ attempts }]), {
      timeout: 5_000,
    });
    await again();
    kit.worker.wake();
  }
  expect(await readQueue(t, [poison])).toMatchObject([{ is_given_up: true, last_error: 'model.refused' }]);
  expect(kit.given_up).toBe(1);
  expect((await readVectors(t, ids)).size).toBe(40);
  expect(await countTerms(t, ids)).toBe(41);
  expect(await readEmbeddingBacklog(t.db, context.user_id)).toMatchObject({ vectors: { pending: 0, failed: 1 } });

  await t.asOwner(`update app.chat_messages set content = 'This is good' where id = $1`, [poison]);
  await drained(t, [poison]);
  expect((await readVectors(t, [poison])).size).toBe(1);
}, 30_000);

test('a provider that refuses everything is away: no text is given up for it', async () => {
  const t = await createDatabase();
  const embedder = createTestEmbedder();
  embedder.failWith = refused;
  const context = await seedContext(t.db);
  const ids = await say(t, context, sentences(10));
  const kit = startWorker(t.job_db, embedder);
  await vi.waitFor(() => expect(kit.waiting['model.refused']).toBeGreaterThan(0), { timeout: 5_000 });
  expect((await readQueue(t, ids)).map(({ attempts }) => attempts)).toEqual(Array<number>(10).fill(0));
  expect(kit.given_up).toBe(0);
  // One call for all, and none by halves.
  expect(embedder.asked).toHaveLength(1);
});

test('who has no quota left waits for it; others do not wait for them', async () => {
  const t = await createDatabase();
  const embedder = createTestEmbedder();
  const [poor, rich] = [await seedContext(t.db), await seedContext(t.db)];
  await t.asOwner(
    `insert into app.usage_quotas (workspace_id, tokens_per_day)
     select id, 0 from app.workspaces where owner_user_id = $1 and is_personal`,
    [poor.user_id],
  );
  const [theirs, others] = [await say(t, poor, sentences(3)), await say(t, rich, sentences(3))];
  const kit = startWorker(t.job_db, embedder);
  await vi.waitFor(async () => expect((await readVectors(t, others)).size).toBe(3), { timeout: 5_000 });
  await vi.waitFor(() => expect(kit.waiting).toEqual({ 'usage.quota_exceeded': 3 }), { timeout: 5_000 });
  expect(await readQueue(t, theirs)).toMatchObject(
    Array(3).fill({ is_indexed: true, is_due: false, attempts: 0, last_error: 'usage.quota_exceeded' }),
  );
  expect(await countTerms(t, theirs)).toBe(3);

  await t.asOwner('delete from app.usage_quotas');
  await drained(t, theirs);
  expect((await readVectors(t, theirs)).size).toBe(3);
});

test('a block in the trash loses words and vector; one that moves to another canvas keeps both', async () => {
  const t = await createDatabase();
  startWorker(t.job_db, createTestEmbedder());
  const canvas = await seedCanvas(t.db);
  const second = await seedCanvas(t.db, { workspace_id: canvas.workspace_id, owner_user_id: canvas.user_id });
  const [gone, moved] = [await seedBlock(t.db, canvas), await seedBlock(t.db, canvas)];
  const ids = [gone.id, moved.id];
  await drained(t, ids);
  expect([(await readVectors(t, ids)).size, await countTerms(t, ids)]).toEqual([2, 2]);
  await t.asOwner('update app.blocks set deleted_at = now(), trashed_with = id where id = $1', [gone.id]);
  await t.asOwner('update app.blocks set canvas_id = $2 where id = $1', [moved.id, second.canvas_id]);
  expect((await readQueue(t, ids)).map(({ subject_id }) => subject_id)).toEqual([gone.id]);
  await drained(t, ids);
  expect([...(await readVectors(t, ids)).keys()]).toEqual([moved.id]);
  expect(await countTerms(t, ids)).toBe(1);
  await t.asOwner('delete from app.canvases where id = $1', [second.canvas_id]);
  expect((await readVectors(t, ids)).size).toBe(0);
});

test('a block that is typed into is one row; ticking a todo enqueues nothing', async () => {
  const t = await createDatabase();
  const canvas = await seedCanvas(t.db);
  const { id } = await seedBlock(t.db, canvas, { type: 'todo', content: { text: 'a', checked: false } });
  const edit = (content: object) => t.asOwner('update app.blocks set content = $2 where id = $1', [id, content]);
  const [first] = await readQueue(t, [id]);
  await edit({ text: 'ab', checked: false });
  await edit({ text: 'abc', checked: false });
  const [row, ...more] = await readQueue(t, [id]);
  expect(more).toEqual([]);
  expect(row!.revision).toBeGreaterThan(first!.revision);
  await edit({ text: 'abc', checked: true });
  expect((await readQueue(t, [id]))[0]!.revision).toBe(row!.revision);
});

test('two tenants whose blocks have the same id have a row and a vector each', async () => {
  const t = await createDatabase();
  startWorker(t.job_db, createTestEmbedder());
  const [mine, theirs] = [await seedCanvas(t.db), await seedCanvas(t.db)];
  const { id } = await seedBlock(t.db, mine, { content: { text: 'mine' } });
  await seedBlock(t.db, theirs, { id, content: { text: 'theirs' } });
  expect(await readQueue(t, [id])).toHaveLength(2);
  await drained(t, [id]);
  const rows = await t.asOwner('select workspace_id from app.block_embeddings where block_id = $1', [id]);
  expect(rows).toHaveLength(2);
});

test('another model embeds everything anew, slice by slice; what was missed before there was one comes too', async () => {
  const t = await createDatabase();
  const without = makeWorker(t.job_db, null);
  const context = await seedContext(t.db);
  const messages = await say(t, context, sentences(30));
  const { memory_id } = await seedMemories(t.db, context);
  const block = await seedBlock(t.db, await seedCanvas(t.db));
  const ids = [...messages, memory_id, block.id];
  without.worker.start();
  await drained(t, ids);
  await without.worker.stop();
  expect(await reembed(without.ctx)).toBe(0);

  for (const model of ['first', 'second']) {
    const embedder = createTestEmbedder(model);
    const { ctx, worker } = startWorker(t.job_db, embedder);
    expect(await reembed(ctx)).toBe(32);
    await drained(t, ids);
    await worker.stop();
    const vectors = [...(await readVectors(t, ids)).values()];
    expect(vectors.map((row) => row.model)).toEqual(Array(32).fill(model));
    // Nothing is left to do, today.
    expect(await reembed(ctx)).toBe(0);
    expect(embedder.asked.flat()).toHaveLength(32);
  }
  await t.asOwner(`delete from app.message_embeddings where message_id = $1`, [messages[3]]);
  await t.asOwner(`update app.embedding_walks set finished_at = now() - interval '25 hours'`);
  expect(await reembed(makeWorker(t.job_db, createTestEmbedder('second')).ctx)).toBe(1);
}, 30_000);

test('what was said just now goes before what was imported', async () => {
  const t = await createDatabase();
  const embedder = createTestEmbedder();
  const context = await seedContext(t.db);
  const imported = await Promise.all(
    sentences(120).map((content) => seedMessage(t.db, context, { content, source: 'import', import_source: 'x' })),
  );
  const { message_id } = await seedMessage(t.db, context, { content: 'Just now.', created_at: '2026-11-01T09:00:00Z' });
  startWorker(t.job_db, embedder);
  await drained(t, [message_id, ...imported.map((row) => row.message_id)]);
  expect(embedder.asked[0]!.some((text) => text.includes('Just now.'))).toBe(true);
}, 20_000);

test('a worker that stops gives back what the provider has not answered', async () => {
  const t = await createDatabase();
  const embedder = createTestEmbedder();
  const context = await seedContext(t.db);
  const ids = await say(t, context, sentences(3));
  embedder.before = (_texts, signal) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(cancelled())));
  const { worker } = startWorker(t.job_db, embedder);
  await vi.waitFor(() => expect(embedder.asked).toHaveLength(1));
  await worker.stop();
  expect(await readQueue(t, ids)).toMatchObject(Array(3).fill({ is_indexed: true, is_due: true, attempts: 0 }));
  expect(await t.asOwner(`select 1 from app.usage_budgets where reserved_tokens > 0`)).toEqual([]);
});

test('what a dead worker had reserved is free again, and counts for nothing', async () => {
  const t = await createDatabase();
  const { user_id } = await seedUser(t.db);
  const begin = (step_id: string) =>
    t.asOwner(
      `select app.apply_usage($1, (select id from app.workspaces where owner_user_id = $1), jsonb_build_array(jsonb_build_object(
         'op', 'begin', 'step_id', $2::text, 'kind', 'embed', 'provider', 'gemini', 'model', 'm', 'tokens', 50, 'cost_micros', 5,
         'share', 1, 'limits', '{}'::jsonb)))`,
      [user_id, step_id],
    );
  const [dead, alive] = [newId(), newId()];
  await begin(dead);
  await begin(alive);
  await t.asOwner(`update app.agent_steps set started_at = now() - interval '10 minutes' where id = $1`, [dead]);
  await reembed(makeWorker(t.job_db, null).ctx);
  expect(await t.asOwner('select id, outcome from app.agent_steps order by outcome')).toEqual([
    { id: dead, outcome: 'abandoned' },
    { id: alive, outcome: 'running' },
  ]);
  expect(
    await t.asOwner('select reserved_tokens::int as held, used_tokens::int as used from app.usage_budgets'),
  ).toEqual([{ held: 50, used: 0 }]);
});

test('forgetting a person leaves the rows of others alone', async () => {
  const t = await createDatabase();
  const [one, other] = [await seedContext(t.db), await seedContext(t.db)];
  const [gone, left] = [await say(t, one, sentences(3)), await say(t, other, sentences(3))];
  const memories = [await seedMemories(t.db, one), await seedMemories(t.db, other)];
  await t.asOwner('delete from app.chat_contexts where user_id = $1', [one.user_id]);
  await t.asOwner('delete from app.user_semantic_memories where user_id = $1', [one.user_id]);
  const rows = await readQueue(t, [...gone, ...left, ...memories.map(({ memory_id }) => memory_id)]);
  expect(rows.map(({ subject_id }) => subject_id).toSorted()).toEqual([...left, memories[1]!.memory_id].toSorted());
});
