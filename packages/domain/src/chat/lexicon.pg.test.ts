import { randomUUID } from 'node:crypto';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { seedBlock, seedCanvas, seedUser, seedWorkspace } from '@potentia/db/testing/seed';
import { seedContext, seedMessage, type SeededContext } from '@potentia/db/testing/seed-chat';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { indexBlocks, indexMessages } from './index-subjects.ts';

let t: TestDatabase;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());

interface Counted {
  documents: number;
  terms: Record<string, number>;
}

/** What the lexicon of an owner says, and what a recount of the index comes to. */
async function lexiconOf(owner_id: string): Promise<{ told: Counted; counted: Counted }> {
  const terms = `coalesce(jsonb_object_agg(t.term, t.documents), '{}')`;
  const [row] = await t.asOwner<{ told: Counted; counted: Counted }>(
    `with index as (
       select user_id as owner_id, terms from app.message_terms union all select workspace_id, terms from app.block_terms
     ), own as (select terms from index where owner_id = $1)
     select jsonb_build_object('documents', coalesce((select documents from app.lexicons where owner_id = $1), 0),
       'terms', (select ${terms} from app.lexicon_terms t where t.owner_id = $1)) as told,
     jsonb_build_object('documents', (select count(*) from own),
       'terms', (select ${terms} from (select term, count(*) as documents from own, unnest(terms) term group by 1) t)) as counted`,
    [owner_id],
  );
  if (!row) throw new Error('no row');
  return row;
}

async function expectTrue(owner_id: string): Promise<void> {
  const { told, counted } = await lexiconOf(owner_id);
  expect(told).toEqual(counted);
}

/** What every message of a person is found by, by its content. */
const indexOf = (user_id: string): Promise<unknown[]> =>
  t.asOwner(
    `select m.content, x.terms, x.weights::text as weights from app.chat_messages m
     left join app.message_terms x on x.message_id = m.id where m.user_id = $1 order by m.created_at, m.seq`,
    [user_id],
  );

const allOf = async (user_id: string): Promise<string[]> =>
  (await t.asOwner<{ id: string }>('select id from app.chat_messages where user_id = $1', [user_id])).map(
    ({ id }) => id,
  );

const queuedOf = async (user_id: string): Promise<string[]> =>
  (
    await t.asOwner<{ id: string }>(
      `delete from app.embedding_queue where user_id = $1 and subject_type = 'message' returning subject_id as id`,
      [user_id],
    )
  ).map(({ id }) => id);

const WORDS = ['heron', 'badger', 'otter', 'walrus', 'narwhal', 'lynx', 'bison', 'gecko'];
const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();

const change = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('say' as const), words: fc.subarray(WORDS), minute: fc.nat(600) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('edit' as const), words: fc.subarray(WORDS), which: fc.nat(50) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), which: fc.nat(50) }) },
);

it('after any inserts, edits and deletions at once the lexicon is what a recount says, and the index what a rebuild makes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(change, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 4 }),
      async (rounds) => {
        const context = await seedContext(t.db);
        const { user_id } = context;
        for (const round of rounds) {
          const ids = await allOf(user_id);
          // Whoever changes and whoever indexes, all at once.
          await Promise.all([
            ...round.map((one) => act(context, ids, one)),
            ...[0, 1].map(async () => indexMessages(t.job_db, await queuedOf(user_id))),
          ]);
          await expectTrue(user_id);
        }
        // What was queued meanwhile.
        await indexMessages(t.job_db, await queuedOf(user_id));
        await expectTrue(user_id);
        const before = await indexOf(user_id);
        await t.asOwner('delete from app.message_terms where user_id = $1', [user_id]);
        expect((await lexiconOf(user_id)).told).toEqual({ documents: 0, terms: {} });
        await indexMessages(t.job_db, await allOf(user_id));
        expect(await indexOf(user_id)).toEqual(before);
        await expectTrue(user_id);
      },
    ),
    { numRuns: 30 },
  );
}, 120_000);

type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

async function act(context: SeededContext, ids: string[], one: Change): Promise<void> {
  if (one.do === 'say') {
    const content = `${one.words.join(' ')}${one.minute % 3 === 0 ? '?' : '.'}`;
    await seedMessage(t.db, context, { content, created_at: at(one.minute) });
    return;
  }
  const id = ids[one.which % Math.max(ids.length, 1)];
  if (id === undefined) return;
  if (one.do === 'delete') await t.asOwner('delete from app.chat_messages where id = $1', [id]);
  else await t.asOwner('update app.chat_messages set content = $2 where id = $1', [id, `${one.words.join(' ')}!`]);
}

it('two that index neighbours at the same time leave both with each other', async () => {
  for (let round = 0; round < 10; round++) {
    const context = await seedContext(t.db);
    const { user_id } = context;
    const ids: string[] = [];
    for (let n = 0; n < 6; n++) {
      const { message_id } = await seedMessage(t.db, context, { content: WORDS[n] ?? '', created_at: at(n) });
      ids.push(message_id);
    }
    await Promise.all(ids.map((id) => indexMessages(t.job_db, [id])));
    const before = await indexOf(user_id);
    expect(await indexMessages(t.job_db, ids)).toBe(0);
    expect(await indexOf(user_id)).toEqual(before);
    await expectTrue(user_id);
  }
});

it('a context, a person and what is theirs go with their numbers, however much it is, and others keep theirs', async () => {
  const [one, other] = [await seedContext(t.db), await seedContext(t.db)];
  const second = await seedContext(t.db, one);
  const make = (context: SeededContext, count: number): Promise<unknown> =>
    t.asOwner(
      `insert into app.chat_messages (id, user_id, context_id, seq, role, content, created_at)
       select gen_random_uuid(), $1, $2, n + (select coalesce(max(seq), 0) from app.chat_messages where user_id = $1), 'user',
         'message ' || n || ' of a heron', now() from generate_series(1, $3::int) n`,
      [context.user_id, context.context_id, count],
    );
  await make(one, 400);
  await make(second, 50);
  await make(other, 30);
  for (const { user_id } of [one, other]) await indexMessages(t.job_db, await allOf(user_id));
  await expectTrue(one.user_id);
  expect((await lexiconOf(one.user_id)).told.documents).toBe(450);

  await t.asOwner('delete from app.chat_contexts where id = $1', [one.context_id]);
  await expectTrue(one.user_id);
  expect((await lexiconOf(one.user_id)).told.documents).toBe(50);

  await t.asOwner('delete from app.chat_contexts where user_id = $1', [one.user_id]);
  expect((await lexiconOf(one.user_id)).told).toEqual({ documents: 0, terms: {} });
  expect((await lexiconOf(other.user_id)).told.documents).toBe(30);
  await expectTrue(other.user_id);
});

it('blocks are counted with their workspace, and go with their canvas', async () => {
  const workspace = await seedWorkspace(t.db);
  const { workspace_id } = workspace;
  const canvases = [await seedCanvas(t.db, workspace), await seedCanvas(t.db, workspace)];
  const refs: { workspace_id: string; canvas_id: string; block_id: string }[] = [];
  for (const canvas of canvases)
    for (const word of WORDS) {
      const { id } = await seedBlock(t.db, canvas, { content: { text: `the ${word} and the heron` } });
      refs.push({ workspace_id, canvas_id: canvas.canvas_id, block_id: id });
    }
  await Promise.all([indexBlocks(t.job_db, refs), indexBlocks(t.job_db, refs.toReversed())]);
  await expectTrue(workspace_id);
  expect((await lexiconOf(workspace_id)).told.documents).toBe(16);
  expect(await indexBlocks(t.job_db, refs)).toBe(0);

  const [trashed] = refs;
  await t.asOwner('update app.blocks set deleted_at = now(), trashed_with = id where id = $1', [trashed?.block_id]);
  expect(await indexBlocks(t.job_db, refs)).toBe(1);
  await expectTrue(workspace_id);
  await t.asOwner('delete from app.canvases where id = $1', [canvases[1]?.canvas_id]);
  await expectTrue(workspace_id);
  expect((await lexiconOf(workspace_id)).told.documents).toBe(7);
});

it('deleting somebody while they are indexed ends, one way or the other, with nothing of them', async () => {
  const context = await seedContext(t.db);
  const { user_id } = context;
  for (let n = 0; n < 40; n++) await seedMessage(t.db, context, { content: `heron ${n}`, created_at: at(n) });
  const ids = await allOf(user_id);
  await Promise.allSettled([
    indexMessages(t.job_db, ids),
    t.asOwner('delete from app.chat_contexts where user_id = $1', [user_id]),
    indexMessages(t.job_db, ids.toReversed()),
  ]);
  expect((await lexiconOf(user_id)).told).toEqual({ documents: 0, terms: {} });
  expect(await indexMessages(t.job_db, [...ids, randomUUID()])).toBe(0);
});

it('of a person who is not there any more nothing is kept', async () => {
  const { user_id } = await seedUser(t.db);
  const context = await seedContext(t.db, { user_id });
  await seedMessage(t.db, context, { content: 'heron' });
  await indexMessages(t.job_db, await allOf(user_id));
  await t.asOwner('delete from app.workspaces where owner_user_id = $1', [user_id]).catch(() => undefined);
  await t.asOwner('delete from app.users where id = $1', [user_id]).catch(() => undefined);
  const [left] = await t.asOwner<{ n: number }>('select count(*)::int as n from app.users where id = $1', [user_id]);
  if (left?.n === 0) expect(await t.asOwner('select from app.lexicons where owner_id = $1', [user_id])).toEqual([]);
  await expectTrue(user_id);
});
