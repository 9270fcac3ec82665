import { getUserFactsAndRules, getUserSemanticMemories } from '@potentia/db/chat/memory-queries';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { seedUser } from '@potentia/db/testing/seed';
import { seedContext, seedMessage } from '@potentia/db/testing/seed-chat';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { personCtx } from '../platform/testing/person.ts';
import { newId } from '../platform/uuid.ts';
import { createMemory } from './create-memory.ts';
import { deleteAll, deleteMemory } from './delete-memory.ts';
import { exportMemories } from './export-memories.ts';
import { forget } from './forget.ts';
import { getMemory, getMemoryHistory } from './get-memory.ts';
import { listMemories } from './list-memories.ts';
import type { Memory } from './memory-schemas.ts';
import { remember, type RememberInput } from './remember.ts';
import { queryTerms } from './rules/query.ts';
import { updateMemory } from './update-memory.ts';

let t: TestDatabase;
let me: string;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());
beforeEach(async () => {
  me = (await seedUser(t.db)).user_id;
});

const ctx = (who = me, now?: string) => personCtx(t.db, who, now === undefined ? {} : { clock: () => new Date(now) });
const learn = (content: string, more: Partial<RememberInput> = {}, who = me) =>
  remember(ctx(who), { kind: 'memory', content, source: 'said', ...more });
const contents = async (query: object = {}, who = me) =>
  (await listMemories(ctx(who), query)).items.map(({ content }) => content);
const facts = async (who = me) =>
  (await getUserFactsAndRules(t.db, { user_id: who, limit: 100 })).map(({ text }) => text);
const found = async (query: string, who = me) =>
  (
    await getUserSemanticMemories(t.db, {
      user_id: who,
      query: queryTerms(query),
      vector: null,
      model: null,
      limit: 10,
    })
  ).map(({ text }) => text);
const failure = (work: Promise<unknown>): Promise<{ kind: string; code: string; meta: Record<string, unknown> }> =>
  work.then(
    () => ({ kind: 'none', code: 'none', meta: {} }),
    (error: unknown) => error as { kind: string; code: string; meta: Record<string, unknown> },
  );
const switchOff = (who = me) =>
  t.asOwner(
    `insert into app.chat_heads (user_id, is_memory_enabled) values ($1, false)
     on conflict (user_id) do update set is_memory_enabled = false`,
    [who],
  );

describe('the same fact', () => {
  it('said twice, in whatever punctuation, changes nothing and deletes nothing', async () => {
    const first = await learn('I am allergic to peanuts');
    const again = await learn('i am allergic to  PEANUTS.');
    expect(first.outcome).toBe('created');
    expect(again).toMatchObject({ outcome: 'known', memory: { id: first.memory.id, version: 1 }, superseded: [] });
    expect(await contents()).toEqual(['I am allergic to peanuts']);
  });

  it('five in three wordings are five, as memories and as facts', async () => {
    for (const content of [
      ...['I am allergic to peanuts', 'I have a peanut allergy', 'Allergic to peanuts!'],
      ...['I live in Jakarta', 'My home is in Jakarta', 'Currently living in Jakarta'],
      ...["My dog's name is Rex", 'I have a dog called Rex', 'Rex is my dog'],
      ...["I'm a nurse at Siloam", 'I work as a nurse at Siloam', 'My job is nurse at Siloam'],
      ...['I love black coffee', 'I like black coffee', 'I really enjoy black coffee'],
    ]) {
      await learn(content);
      await learn(content, { kind: 'fact', subject: 'Anna' });
    }
    expect(await contents({ kind: 'memory' })).toHaveLength(5);
    expect(await contents({ kind: 'fact' })).toHaveLength(5);
  });

  it('of somebody else is another one', async () => {
    await learn('Is allergic to peanuts');
    expect((await learn('Is allergic to peanuts', { subject: 'Anna' })).outcome).toBe('created');
  });

  it('that is over may be said again, and one whose end is now known takes its place', async () => {
    await learn('Stays in Bali', { valid_until: '2026-01-01T00:00:00Z' });
    expect((await learn('Stays in Bali')).outcome).toBe('replaced');
    const ending = await learn('Stays in Bali', { valid_until: '2027-01-01T00:00:00Z' });
    expect(ending).toMatchObject({ outcome: 'replaced', memory: { valid_until: '2027-01-01T00:00:00Z' } });
    expect(await contents()).toHaveLength(1);
  });
});

describe('a newer fact', () => {
  it('supersedes the older one of its subject and attribute, which stays in the history', async () => {
    const old = await learn('Lives in Jakarta', { kind: 'fact', attribute: 'home city' });
    const next = await learn('Lives in Bandung', { kind: 'fact', attribute: 'Home City' });
    expect(next).toMatchObject({ outcome: 'replaced', superseded: [old.memory.id] });
    expect(await facts()).toEqual(['home city: Lives in Bandung'.replace('home city', 'Home City')]);
    expect(await contents()).toEqual(['Lives in Bandung']);
    expect(await contents({ include_superseded: true })).toEqual(['Lives in Bandung', 'Lives in Jakarta']);
    const { items } = await getMemoryHistory(ctx(), { memory_id: old.memory.id });
    expect(items.map(({ content, superseded_by }) => ({ content, superseded_by }))).toEqual([
      { content: 'Lives in Bandung', superseded_by: null },
      { content: 'Lives in Jakarta', superseded_by: next.memory.id },
    ]);
  });

  it('supersedes what it is said to correct, of whatever kind, and nothing that is not known', async () => {
    const old = await learn('The meeting with Budi is on Monday');
    const next = await learn('The meeting with Budi is on Tuesday', { supersedes: old.memory.id });
    expect(next.superseded).toEqual([old.memory.id]);
    const stranger = await seedUser(t.db);
    const theirs = await learn('A secret', {}, stranger.user_id);
    expect((await learn('Something else', { supersedes: theirs.memory.id })).superseded).toEqual([]);
    expect(await contents({}, stranger.user_id)).toEqual(['A secret']);
  });

  it('comes into a prompt in the place of the older one, by its words and by its meaning, and nobody else’s does', async () => {
    const vector = JSON.stringify(Array.from({ length: 768 }, (_, at) => Number(at === 0)));
    const embed = (memory_id: string, user_id: string, model = 'm') =>
      t.asOwner(
        `insert into app.memory_embeddings (memory_id, user_id, model, dimensions, embedding) values ($1, $2, $3, 768, ($4::text)::halfvec)`,
        [memory_id, user_id, model, vector],
      );
    const near = async () =>
      (await getUserSemanticMemories(t.db, { user_id: me, query: [], vector, model: 'm', limit: 2 })).map(
        ({ id }) => id,
      );
    const old = await learn('The piano stands in the attic');
    const next = await learn('The piano stands in the cellar', { supersedes: old.memory.id });
    const other = await learn('Of another model');
    const { user_id } = await seedUser(t.db);
    for (let n = 0; n < 20; n += 1) await embed((await learn(`Theirs ${n}`, {}, user_id)).memory.id, user_id);
    await Promise.all([embed(old.memory.id, me), embed(next.memory.id, me), embed(other.memory.id, me, 'other')]);
    expect(await found('piano')).toEqual(['The piano stands in the cellar']);
    expect(await near()).toEqual([next.memory.id]);
  });

  it('that holds from a later day leaves the old one in force until then', async () => {
    const soon = new Date(Date.now() + 864e5 * 10).toISOString();
    await learn('Lives in Jakarta', { kind: 'fact', attribute: 'home city' });
    await learn('Lives in Bandung', { kind: 'fact', attribute: 'home city', valid_from: soon });
    expect(await facts()).toEqual([
      `home city: Lives in Bandung (from ${soon.slice(0, 10)})`,
      'home city: Lives in Jakarta',
    ]);
  });

  it('is read as of a day and as it was known on one', async () => {
    const fact = { kind: 'fact', attribute: 'home city' } as const;
    await learn('Lives in Jakarta', { ...fact, valid_from: '2020-01-01T00:00:00Z' });
    const known_at = (await t.asOwner<{ now: Date }>('select clock_timestamp() as now'))[0]?.now.toISOString() ?? '';
    await learn('Lives in Bandung', { ...fact, valid_from: '2024-01-01T00:00:00Z' });
    expect(await contents({ valid_at: '2021-06-01T00:00:00Z' })).toEqual(['Lives in Jakarta']);
    expect(await contents({ valid_at: '2025-06-01T00:00:00Z' })).toEqual(['Lives in Bandung']);
    expect(await contents({ valid_at: '2025-06-01T00:00:00Z', known_at })).toEqual(['Lives in Jakarta']);
    expect(await contents({ known_at })).toEqual(['Lives in Jakarta']);
    expect(await contents({ valid_at: '2019-06-01T00:00:00Z' })).toEqual([]);
  });

  it('leaves one truth, however many say another at once', async () => {
    const cities = ['Jakarta', 'Bandung', 'Surabaya', 'Medan', 'Makassar', 'Denpasar'];
    await Promise.all(cities.map((city) => learn(`Lives in ${city}`, { kind: 'fact', attribute: 'home city' })));
    expect(await contents({ kind: 'fact' })).toHaveLength(1);
    expect(await contents({ include_superseded: true })).toHaveLength(6);
    await Promise.all(cities.map(() => learn('I like durian')));
    expect(await contents({ kind: 'memory' })).toEqual(['I like durian']);
  });
});

it('relative dates get what they mean, by when it was said and the zone of the person', async () => {
  await t.asOwner(`update app.users set time_zone = 'Asia/Jakarta' where id = $1`, [me]);
  const { memory } = await learn('Dentist tomorrow', { said_at: '2026-11-20T20:00:00Z' });
  expect(memory.content).toBe('Dentist tomorrow (2026-11-22)');
  expect((await learn('Dentist tomorrow', { said_at: '2026-11-25T01:00:00Z' })).outcome).toBe('created');
  expect((await learn('Plays futsal every Monday')).memory.content).toBe('Plays futsal every Monday');
});

describe('by hand', () => {
  it('one is written, once per key, and what the key keeps are ids', async () => {
    const key = newId();
    const asked = { ...ctx(), idempotency_key: key };
    const made = await createMemory(asked, { content: 'Rambutan is my favourite' });
    const again = await createMemory(asked, { content: 'Rambutan is my favourite' });
    expect(made).toMatchObject({ replayed: false, result: { outcome: 'created', memory: { source: 'manual' } } });
    expect(again).toEqual({ replayed: true, result: made.result });
    const [kept] = await t.asOwner<{ result: object }>('select result from app.idempotency_keys where key = $1', [key]);
    expect(JSON.stringify(kept)).not.toContain('Rambutan');
  });

  it('one is edited in its place, by version, without a twin', async () => {
    const { memory } = await learn('I like durian', { quote: 'I like durian' });
    const edited = await updateMemory(ctx(), {
      memory_id: memory.id,
      content: 'I like mangosteen',
      expected_version: 1,
    });
    expect(edited).toMatchObject({ content: 'I like mangosteen', version: 2, source: 'manual', quote: null });
    expect(await found('mangosteen')).toEqual(['I like mangosteen']);
    expect(await found('durian')).toEqual([]);
    const stale = { memory_id: memory.id, is_pinned: true };
    expect(await failure(updateMemory(ctx(), { ...stale, expected_version: 1 }))).toMatchObject({
      kind: 'precondition',
      meta: { current: { version: 2 } },
    });
    expect(await failure(updateMemory(ctx(), { ...stale, version: 1 }))).toMatchObject({ kind: 'conflict' });
    await learn('I like papaya');
    expect(await failure(updateMemory(ctx(), { memory_id: memory.id, content: 'I like papaya.' }))).toMatchObject({
      code: 'memory.duplicate',
    });
  });

  it('what is pinned comes first, once, and at most fifty are', async () => {
    await learn('Answer briefly', { kind: 'rule' });
    const { memory } = await learn('I like durian');
    await updateMemory(ctx(), { memory_id: memory.id, is_pinned: true });
    expect(await facts()).toEqual(['I like durian', 'Answer briefly']);
    expect(await found('durian')).toEqual([]);
    expect(await contents({ is_pinned: true })).toEqual(['I like durian']);
    for (let n = 0; n < 49; n++) await learn(`Likes number ${n}`, { is_pinned: true });
    expect(await failure(learn('Likes one more', { is_pinned: true }))).toMatchObject({
      kind: 'conflict',
      code: 'memory.too_many_pinned',
    });
  });

  it('one is deleted with what it took the place of; undone, that counts again', async () => {
    const old = await learn('Lives in Jakarta', { kind: 'fact', attribute: 'home city' });
    const wrong = await learn('Lives in Bandung', { kind: 'fact', attribute: 'home city' });
    await deleteMemory(ctx(), { memory_id: wrong.memory.id, restore_previous: true });
    expect(await contents()).toEqual(['Lives in Jakarta']);
    const right = await learn('Lives in Medan', { kind: 'fact', attribute: 'home city' });
    await deleteMemory(ctx(), { memory_id: right.memory.id });
    expect(await contents({ include_superseded: true })).toEqual([]);
    expect(await failure(getMemory(ctx(), { memory_id: old.memory.id }))).toMatchObject({ code: 'memory.not_found' });
    expect(await failure(deleteMemory(ctx(), { memory_id: old.memory.id }))).toMatchObject({
      code: 'memory.not_found',
    });
  });

  it('a deleted one is in no index, queue or table of vectors', async () => {
    const { memory } = await learn('I like durian');
    await t.asOwner(
      `insert into app.memory_embeddings (memory_id, user_id, model, dimensions, embedding)
       select $1, $2, 'm', 768, array_fill(1, array[768])::vector::halfvec`,
      [memory.id, me],
    );
    await deleteMemory(ctx(), { memory_id: memory.id });
    const left = await t.asOwner(
      `select 1 from app.memory_embeddings where user_id = $1
       union all select 1 from app.embedding_queue where user_id = $1
       union all select 1 from app.user_semantic_memories where user_id = $1`,
      [me],
    );
    expect(left).toEqual([]);
  });

  it('all are deleted, and exported before, with what was superseded', async () => {
    await learn('Lives in Jakarta', { kind: 'fact', attribute: 'home city' });
    await learn('Lives in Bandung', { kind: 'fact', attribute: 'home city' });
    await learn('I like durian');
    const pages: Memory[] = [];
    for await (const page of exportMemories(ctx())) pages.push(...page);
    expect(pages.map(({ content }) => content)).toEqual(['I like durian', 'Lives in Bandung', 'Lives in Jakarta']);
    expect(await deleteAll(ctx())).toEqual({ deleted: 3 });
    expect(await contents({ include_superseded: true })).toEqual([]);
  });

  it('a list goes on where it ended, by kind, subject and words', async () => {
    for (let n = 0; n < 5; n++) await learn(`Likes number ${n}`);
    await learn('Has 100% cotton shirts', { subject: 'Anna' });
    const first = await listMemories(ctx(), { limit: 4 });
    const rest = await listMemories(ctx(), { limit: 4, cursor: first.next_cursor ?? '' });
    expect([...first.items, ...rest.items].map(({ content }) => content)).toEqual(await contents());
    expect(rest.next_cursor).toBeNull();
    expect(await contents({ subject: 'anna' })).toEqual(['Has 100% cotton shirts']);
    expect(await contents({ q: '100%' })).toEqual(['Has 100% cotton shirts']);
    expect(await contents({ q: '1%0' })).toEqual([]);
  });
});

it('there is room for so many and no more, and of what was superseded the oldest go', async () => {
  await learn('First of all');
  await t.asOwner(
    `insert into app.user_semantic_memories (id, user_id, content, content_hash, source, terms)
     select gen_random_uuid(), $1, 'm' || n, 'h' || n, 'manual', array[n] from generate_series(1, 4999) n`,
    [me],
  );
  expect(await failure(learn('One more'))).toMatchObject({ kind: 'conflict', code: 'memory.too_many' });
  expect((await learn('First of all')).outcome).toBe('known');
  await t.asOwner(
    `insert into app.user_preferences (id, user_id, kind, attribute, content, content_hash, source)
     select gen_random_uuid(), $1, 'fact', 'a' || n, 'f' || n, 'h' || n, 'manual' from generate_series(1, 500) n`,
    [me],
  );
  const fact = { kind: 'fact', attribute: 'one more' } as const;
  expect(await failure(learn('A fact', fact))).toMatchObject({ code: 'memory.too_many' });
  await t.asOwner(
    `insert into app.user_preferences
       (id, user_id, kind, attribute, content, content_hash, source, superseded_by, superseded_at, superseded_from)
     select gen_random_uuid(), $1, 'fact', 'a', 'old ' || n, 'h', 'manual', gen_random_uuid(), now() - n * interval '1 hour', now()
     from generate_series(1, 5002) n`,
    [me],
  );
  expect((await learn('Another f1', { kind: 'fact', attribute: 'a1' })).outcome).toBe('replaced');
  const [left] = await t.asOwner<{ n: number; oldest: string }>(
    `select count(*)::int as n, bool_or(content = 'old 5002') as oldest from app.user_preferences
     where user_id = $1 and superseded_at is not null`,
    [me],
  );
  expect(left).toEqual({ n: 5_000, oldest: false });
});

describe('forgetting by words', () => {
  it('forgets what holds all of them, asks back when that is much, and says when it is nothing', async () => {
    await learn('I like green tea');
    await learn('I like black coffee');
    expect((await forget(ctx(), { query: 'that I like coffee' })).forgotten).toMatchObject([
      { content: 'I like black coffee' },
    ]);
    expect(await failure(forget(ctx(), { query: 'durian' }))).toMatchObject({ code: 'memory.not_found' });
    for (let n = 0; n < 4; n++) await learn(`The password hint number ${n} is blue`);
    const many = await failure(forget(ctx(), { query: 'password hint' }));
    expect(many).toMatchObject({ code: 'memory.ambiguous', meta: { candidates: expect.any(Array) as unknown[] } });
    expect(await contents()).toHaveLength(5);
  });

  it('of what was said last in a context forgets what was taken from it, and nothing older or elsewhere', async () => {
    const context = await seedContext(t.db, { user_id: me });
    const older = await seedMessage(t.db, context, { content: 'I like tea' });
    const said = await seedMessage(t.db, context, { content: 'I am 40' });
    const command = await seedMessage(t.db, context, { content: 'forget that' });
    await learn('I like tea', { source_message_id: older.message_id });
    await learn('Is 40 years old', { source_message_id: said.message_id });
    const input = { that: context.context_id, before_message_id: command.message_id };
    expect((await forget(ctx(), input)).forgotten).toMatchObject([{ content: 'Is 40 years old' }]);
    const stranger = (await seedUser(t.db)).user_id;
    expect(await failure(forget(ctx(stranger), input))).toMatchObject({ code: 'chat.context_not_found' });
    expect(await contents()).toEqual(['I like tea']);
  });
});

describe('switched off', () => {
  it('nothing is written and nothing read into a prompt, and what there is can be seen and deleted', async () => {
    const { memory } = await learn('I like durian');
    await learn('Answer briefly', { kind: 'rule' });
    await switchOff();
    expect(await failure(learn('I like papaya'))).toMatchObject({ kind: 'conflict', code: 'memory.off' });
    expect(await failure(createMemory(ctx(), { content: 'I like papaya' }))).toMatchObject({ code: 'memory.off' });
    expect(await facts()).toEqual([]);
    expect(await found('durian')).toEqual([]);
    expect(await contents()).toHaveLength(2);
    await deleteMemory(ctx(), { memory_id: memory.id });
    expect(await contents()).toHaveLength(1);
  });
});

describe('a stranger', () => {
  it('finds, changes and deletes nothing', async () => {
    const { memory } = await learn('I like durian');
    const stranger = (await seedUser(t.db)).user_id;
    const memory_id = memory.id;
    for (const work of [
      () => getMemory(ctx(stranger), { memory_id }),
      () => getMemoryHistory(ctx(stranger), { memory_id }),
      () => updateMemory(ctx(stranger), { memory_id, is_pinned: true }),
      () => deleteMemory(ctx(stranger), { memory_id }),
      () => forget(ctx(stranger), { memory_id }),
      () => forget(ctx(stranger), { query: 'durian' }),
    ])
      expect(await failure(work())).toMatchObject({ kind: 'not_found', code: 'memory.not_found' });
    expect(await deleteAll(ctx(stranger))).toEqual({ deleted: 0 });
    expect(await contents({}, stranger)).toEqual([]);
    expect(await found('durian', stranger)).toEqual([]);
    expect(await found('durian')).toEqual(['I like durian']);
  });
});
