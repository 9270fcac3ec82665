import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { seedContext, seedMessage, type SeededContext } from '@potentia/db/testing/seed-chat';
import { seedUser } from '@potentia/db/testing/seed';
import { findRelevantHistory } from '@potentia/db/chat/search-queries';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLocalRules } from '../agent/adapters/local-rules.ts';
import type { ModelPort } from '../agent/model.ts';
import { personCtx } from '../platform/testing/person.ts';
import { indexMessages } from './index-subjects.ts';
import { messageTerms } from './rules/query.ts';
import { searchMemory, type SearchMemoryCtx } from './search-memory.ts';
import type { MemorySearch } from './search-schemas.ts';
import type { LabelledSet } from './testing/labelled.ts';
import { ENGLISH } from './testing/labelled-english.ts';
import { INDONESIAN } from './testing/labelled-indonesian.ts';

let t: TestDatabase;
let model: ModelPort;
beforeAll(async () => {
  t = await createTestDatabase();
  model = createLocalRules();
});
afterAll(() => t.drop());

const as = (user_id: string, more: Partial<SearchMemoryCtx> = {}): SearchMemoryCtx => ({
  ...personCtx(t.db, user_id),
  model,
  usage_limits: { tokens_per_day: 1e9, cost_micros_per_month: 1e9 },
  ...more,
});

type Say = NonNullable<Parameters<typeof seedMessage>[2]>;

/** Says these in a context of their own, a minute apart, and indexes them; their ids. */
async function say(messages: (string | Say)[], context?: SeededContext): Promise<SeededContext & { ids: string[] }> {
  const where = context ?? (await seedContext(t.db));
  const ids: string[] = [];
  for (const [n, message] of messages.entries()) {
    const said = typeof message === 'string' ? { content: message } : message;
    const created_at = new Date(Date.UTC(2026, 0, 1, 8, n)).toISOString();
    ids.push((await seedMessage(t.db, where, { created_at, ...said })).message_id);
  }
  await indexMessages(t.job_db, ids);
  return { ...where, ids };
}

const found = ({ results }: MemorySearch): string[] => results.map(({ content }) => content);
const first = async (user_id: string, query: string): Promise<string | undefined> =>
  found(await searchMemory(as(user_id), { query }))[0];

describe('questions about a conversation of our own', () => {
  it.each([
    ['English', ENGLISH, 0.95],
    ['Indonesian', INDONESIAN, 0.95],
  ])(
    'in %s find what answers them among the best ten, and mostly among the best five',
    async (_name, set: LabelledSet, floor) => {
      const { user_id } = await seedUser(t.db);
      const ids = new Map<string, string>();
      for (const [n, { at, turns }] of set.sessions.entries()) {
        const context = await seedContext(t.db, { user_id });
        for (const [m, turn] of turns.entries()) {
          const created_at = new Date(Date.parse(at) + m * 30_000).toISOString();
          const role = turn.startsWith('u') ? ('user' as const) : ('assistant' as const);
          const { message_id } = await seedMessage(t.db, context, { role, content: turn.slice(3), created_at });
          ids.set(`${n + 1}.${m + 1}`, message_id);
        }
      }
      await indexMessages(t.job_db, [...ids.values()]);
      const recall = { 5: 0, 10: 0 };
      for (const [query, ...evidence] of set.questions) {
        const { results } = await searchMemory(as(user_id), { query });
        const best = results.map(({ message_id }) => message_id);
        for (const k of [5, 10] as const)
          recall[k] +=
            evidence.filter((turn) => best.slice(0, k).includes(ids.get(turn) ?? '')).length /
            evidence.length /
            set.questions.length;
      }
      expect(recall[10]).toBeGreaterThanOrEqual(floor);
      expect(recall[5]).toBeGreaterThanOrEqual(0.8);
    },
  );
});

describe('by its words', () => {
  it.each([
    ['We were running three meetings about the budget', 'run a meeting'],
    ['She bought a blue bicycle', 'Who buys bicycles?'],
    ['Aku menulis surat untuk nenek', 'siapa yang tulis surat?'],
    ['Surat itu ditulis kemarin', 'menulis surat'],
    ['Dia mengirimkan paket ke Bandung', 'paket yang dikirim'],
    ['besok ada meeting sama client', 'When is the meeting?'],
    ['Pottery class!', 'pottery classes'],
    ['Crème brûlée at Zoë’s', 'creme brulee zoe'],
    ['The code is AB-1234', '1234'],
    ['it cost $1,000.50 in total', '1000.50'],
    ['Write to potentia-bot@example.com', 'potentia-bot@example.com'],
    ['明日は東京で会議があります', '東京の会議'],
    ['회의는 서울에서 열립니다', '서울'],
    ['Завтра встреча в Москве', 'Москве'],
    ['We flew on May 7, 2023', 'what happened on 2023-05-07'],
    ['Kami berangkat 7 Mei 2023', 'on 7 May 2023'],
  ])('%j is found by %j', async (content, query) => {
    const { user_id } = await say([{ content }, { content: 'something else', created_at: '2025-01-01T00:00:00Z' }]);
    expect(await first(user_id, query)).toBe(content);
  });

  it('and by what its relative dates meant', async () => {
    const mentions = [{ text: 'yesterday', from: '2023-05-07', to: '2023-05-07' }];
    const { user_id } = await say([{ content: 'I met them yesterday', mentions }, 'And now?']);
    expect(await first(user_id, 'what was on 7 May 2023?')).toBe('I met them yesterday');
  });

  it('and by who said it', async () => {
    const { user_id } = await say([
      { content: 'I love the dog', author_name: 'Ana Maria' },
      { content: 'I love the dog', author_name: 'Budi' },
      'Carla: I love the dog',
    ]);
    const author = async (query: string): Promise<unknown> => {
      const [best] = (await searchMemory(as(user_id), { query })).results;
      return best?.author_name ?? best?.content;
    };
    expect(await author('What does Budi love?')).toBe('Budi');
    expect(await author('What does Maria love?')).toBe('Ana Maria');
    expect(await author("Carla's dog")).toBe('Carla: I love the dog');
  });

  it('a query that says nothing finds nothing, and is no error', async () => {
    const { user_id } = await say(['The the the']);
    expect(await searchMemory(as(user_id), { query: 'and the?' })).toEqual({
      results: [],
      language: 'en',
      vectors: 'off',
    });
  });
});

describe('a message', () => {
  it('is found by its question, and by what stands beside it, less than by its own words', async () => {
    const { user_id } = await say(['Which animal did you see?', 'A heron.', 'Nice weather.']);
    expect(found(await searchMemory(as(user_id), { query: 'animals' })).toSorted()).toEqual([
      'A heron.',
      'Which animal did you see?',
    ]);
    expect(await first(user_id, 'heron')).toBe('A heron.');
  });

  it('is not found by what was said six hours before, or in another context', async () => {
    const early = { content: 'A walrus!', created_at: '2026-01-01T00:00:00Z' };
    const { user_id } = await say([early, { content: 'Hm.', created_at: '2026-01-01T06:00:01Z' }]);
    await say(['Well.'], await seedContext(t.db, { user_id }));
    expect(found(await searchMemory(as(user_id), { query: 'walrus' }))).toEqual(['A walrus!']);
  });

  it('that is deleted is not found, nor what stood beside it by it', async () => {
    const { user_id, ids } = await say(['One.', 'A narwhal.', 'Two.']);
    expect((await searchMemory(as(user_id), { query: 'narwhal' })).results).toHaveLength(3);
    await t.asOwner('delete from app.chat_messages where id = $1', [ids[1]]);
    const queued = await t.asOwner<{ id: string }>(
      `select subject_id as id from app.embedding_queue where user_id = $1 order by created_at desc`,
      [user_id],
    );
    await indexMessages(
      t.job_db,
      queued.map(({ id }) => id),
    );
    expect((await searchMemory(as(user_id), { query: 'narwhal' })).results).toEqual([]);
  });

  it('of another person is never found, whoever asks and whatever for', async () => {
    const mine = await say(['My secret is a platypus']);
    const { user_id } = await say(['I know nothing']);
    for (const more of [{}, { neighbours: 3 }])
      expect((await searchMemory(as(user_id), { query: 'secret platypus', ...more })).results).toEqual([]);
    const inside = { query: 'secret platypus', context_id: mine.context_id };
    await expect(searchMemory(as(user_id), inside)).rejects.toMatchObject({ code: 'chat.context_not_found' });
    expect((await searchMemory(as(mine.user_id), { query: 'platypus' })).results).toHaveLength(1);
  });
});

describe('a search', () => {
  it('can be held to a time, a side and a context, and shows what stands around', async () => {
    const { user_id, context_id } = await say([
      'The heron eats fish',
      { content: 'The heron does', role: 'assistant' },
      { content: 'An old heron', created_at: '2020-02-02T00:00:00Z' },
    ]);
    const other = await say(
      [{ content: 'A second heron', created_at: '2026-03-03T00:00:00Z' }],
      await seedContext(t.db, { user_id }),
    );
    const ask = async (more: object): Promise<string[]> =>
      found(await searchMemory(as(user_id), { query: 'heron', ...more })).toSorted();
    expect(await ask({})).toHaveLength(4);
    expect(await ask({ to: '2021-01-01T00:00:00Z' })).toEqual(['An old heron']);
    expect(await ask({ from: '2026-02-01T00:00:00+07:00' })).toEqual(['A second heron']);
    expect(await ask({ role: 'assistant' })).toEqual(['The heron does']);
    expect(await ask({ context_id: other.context_id })).toEqual(['A second heron']);
    expect(await ask({ context_id, limit: 1 })).toHaveLength(1);
    const { results } = await searchMemory(as(user_id), { query: 'fish', limit: 1, neighbours: 1 });
    expect(results[0]?.neighbours).toMatchObject([{ content: 'The heron does', is_before: false, role: 'assistant' }]);
  });

  it('of two that are as good prefers the newer', async () => {
    const { user_id } = await say([
      { content: 'A lynx in the snow', created_at: '2024-01-01T00:00:00Z', external_id: 'old', import_source: 'x' },
      { content: 'A lynx in the snow', created_at: '2025-01-01T00:00:00Z', external_id: 'new', import_source: 'x' },
    ]);
    const { results } = await searchMemory(as(user_id), { query: 'lynx' });
    expect(results.map(({ external_id }) => external_id)).toEqual(['new', 'old']);
    // What was said later, not what came in later.
    const brought = await say([
      { content: 'A stoat in the snow', created_at: '2025-01-01T00:00:00Z' },
      { content: 'A stoat in the snow', created_at: '2024-01-01T00:00:00Z' },
    ]);
    const stoats = await searchMemory(as(brought.user_id), { query: 'stoat' });
    expect(stoats.results.map(({ message_id }) => message_id)).toEqual(brought.ids);
  });

  it('names the field that is wrong', async () => {
    const { user_id } = await seedUser(t.db);
    for (const [input, pointer] of [
      [{ query: ' ' }, '/query'],
      [{ query: 'x', limit: 101 }, '/limit'],
      [{ query: 'x', from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' }, '/to'],
      [{ query: 'x', wrong: 1 }, '/wrong'],
    ] as const)
      await expect(searchMemory(as(user_id), input as never)).rejects.toMatchObject({
        code: 'request.invalid',
        meta: { errors: [{ pointer }] },
      });
  });
});

describe('by its meaning', () => {
  const unit = (at: number, second = 0): number[] => {
    const vector = new Array<number>(768).fill(0);
    vector[at] = Math.cos(second);
    vector[at + 1] = Math.sin(second);
    return vector;
  };
  const embed = (user_id: string, message_id: string, vector: number[], by = 'm'): Promise<unknown> =>
    t.asOwner(
      `insert into app.message_embeddings (message_id, user_id, side, model, dimensions, embedding)
       values ($1, $2, 'user', $3, 768, ($4::text)::halfvec)`,
      [message_id, user_id, by, JSON.stringify(vector)],
    );

  it('finds what has other words, beside what has the same, of one model alone and of one person alone', async () => {
    const { user_id, ids } = await say([
      { content: 'An otter', created_at: '2026-01-01T00:00:00Z' },
      { content: 'A swimming mammal', created_at: '2026-01-02T00:00:00Z' },
      { content: 'Of another model', created_at: '2026-01-03T00:00:00Z' },
      { content: 'Far away', created_at: '2026-01-04T00:00:00Z' },
    ]);
    const stranger = await say(['Also an otter']);
    await embed(user_id, ids[0]!, unit(0));
    await embed(user_id, ids[1]!, unit(0, 0.2));
    await embed(user_id, ids[2]!, unit(0), 'other');
    await embed(user_id, ids[3]!, unit(500));
    await embed(stranger.user_id, stranger.ids[0]!, unit(0));
    const ask = { user_id, query: messageTerms('otter'), vector: unit(0), model: 'm', limit: 10 };
    const legs = (rows: Awaited<ReturnType<typeof findRelevantHistory>>): unknown =>
      rows.map(({ content, leg }) => [content, leg]);
    const expected = [
      ['An otter', 'both'],
      ['A swimming mammal', 'vector'],
      ['Far away', 'vector'],
    ];
    expect(legs(await findRelevantHistory(t.db, { ...ask, options: {} }))).toEqual(expected);
    // By the index, which holds the stranger's too.
    expect(legs(await findRelevantHistory(t.db, { ...ask, options: { exact_below: 0 } }))).toEqual(expected);
    const filtered = await findRelevantHistory(t.db, {
      ...ask,
      options: { without: [ids[0]!], to: '2026-01-03T00:00:00Z' },
    });
    expect(legs(filtered)).toEqual([['A swimming mammal', 'vector']]);
  });

  it('is found among any number of nearer ones of other people, compared one by one or by the index', async () => {
    const { user_id, ids } = await say(['Mine']);
    await embed(user_id, ids[0]!, unit(20, 0.5));
    const stranger = await seedContext(t.db);
    await t.asOwner(
      `with said as (
         insert into app.chat_messages (id, user_id, context_id, seq, role, content, created_at)
         select gen_random_uuid(), $1, $2, n, 'user', 'Theirs ' || n, now() from generate_series(1, 300) n returning id
       ) insert into app.message_embeddings (message_id, user_id, side, model, dimensions, embedding)
         select id, $1, 'user', 'm', 768, ($3::text)::halfvec from said`,
      [stranger.user_id, stranger.context_id, JSON.stringify(unit(20))],
    );
    const ask = { user_id, query: [], vector: unit(20), model: 'm', limit: 10 };
    for (const options of [{}, { exact_below: 0 }])
      expect(found({ results: await findRelevantHistory(t.db, { ...ask, options }) } as never)).toEqual(['Mine']);
  });

  it('goes on by words when the vector does not come, and says so', async () => {
    const { user_id } = await say(['A bison']);
    const embed_nothing = (_texts: string[], _purpose: string, signal: AbortSignal): Promise<never> =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    const stuck = { ...model, embedder: { model: 'm', dimensions: 768 as const, embed: embed_nothing } };
    const answer = await searchMemory(as(user_id, { model: stuck }), { query: 'bison' });
    expect([found(answer), answer.vectors]).toEqual([['A bison'], 'unavailable']);
    const steps = await t.asOwner('select outcome from app.agent_steps where user_id = $1', [user_id]);
    expect(steps).toEqual([{ outcome: 'failed' }]);
  });
});
