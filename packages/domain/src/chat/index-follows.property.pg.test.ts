import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { seedUser } from '@potentia/db/testing/seed';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { personCtx } from '../platform/testing/person.ts';
import { deleteContext } from './delete-context.ts';
import { deleteMessage } from './delete-message.ts';
import { importMessages } from './import-messages.ts';
import { indexMessages } from './index-subjects.ts';
import { listContexts } from './list-contexts.ts';
import { listMessages } from './list-messages.ts';
import { mergeContexts } from './merge-contexts.ts';

let t: TestDatabase;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());

/** What somebody does with their history; numbers pick among what there is. `at`: minutes. */
type Step =
  | { do: 'import'; at: number; context: number; text: string }
  | { do: 'delete message' | 'delete context' | 'merge'; which: number }
  | { do: 'index' };

const nat = fc.nat(999);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('import' as const),
      // Some more than six hours apart.
      at: fc.oneof(fc.nat(20), fc.nat(2_000)),
      context: fc.nat(2),
      text: fc.constantFrom(
        'market fish?',
        'bought fish',
        'Milo the cat',
        'meeting with Sari',
        'ya',
        'where?',
        'fish market Bandung',
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete message' as const), which: nat }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('delete context' as const, 'merge' as const), which: nat }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('index' as const) }) },
);

async function take(user_id: string): Promise<void> {
  const rows = await t.asOwner<{ id: string }>(
    `delete from app.embedding_queue where user_id = $1 and subject_type = 'message' returning subject_id as id`,
    [user_id],
  );
  await indexMessages(
    t.job_db,
    rows.map(({ id }) => id),
  );
}

async function act(user_id: string, given: Step, n: number): Promise<void> {
  const me = { ...personCtx(t.db, user_id), run_eraser: { erase: () => Promise.resolve(true) } };
  if (given.do === 'index') return take(user_id);
  if (given.do === 'import') {
    const created_at = new Date(Date.UTC(2026, 0, 1, 0, given.at)).toISOString();
    const message = { external_id: `m${n}`, content: given.text, created_at, context_external_id: `c${given.context}` };
    await importMessages(me, { messages: [message] });
    return;
  }
  const contexts = (await listContexts(me, {})).items;
  const [one, other] = [contexts[given.which % contexts.length], contexts[(given.which + 1) % contexts.length]];
  if (!one || !other) return;
  if (given.do === 'delete context') return deleteContext(me, { context_id: one.id });
  if (given.do === 'merge') {
    if (one !== other) await mergeContexts(me, { context_id: one.id, into_context_id: other.id });
    return;
  }
  const { items } = await listMessages(me, { limit: 200 });
  const message = items[given.which % items.length];
  if (message) await deleteMessage(me, { message_id: message.id });
}

it('whatever is imported, merged and deleted: when the queue is empty, the index is as if made anew, and counts what there is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), async (steps) => {
      const { user_id } = await seedUser(t.db);
      for (const [n, given] of steps.entries()) await act(user_id, given, n);
      await take(user_id);
      const all = await t.asOwner<{ id: string }>('select id from app.chat_messages where user_id = $1', [user_id]);
      expect(
        await indexMessages(
          t.job_db,
          all.map(({ id }) => id),
        ),
      ).toBe(0);
      const [counts] = await t.asOwner(
        `select
           (select count(*)::int from app.message_terms where user_id = $1) as terms,
           (select count(*)::int from app.message_terms x join app.chat_messages m on m.id = x.message_id
             where x.user_id = $1 and x.context_id <> m.context_id) as misplaced,
           coalesce((select documents::int from app.lexicons where owner_id = $1), 0) as documents,
           (select count(*)::int from (select term, documents from app.lexicon_terms where owner_id = $1 and documents > 0) l
             full join (select term, count(*) as n from app.message_terms x cross join unnest(x.terms) term where x.user_id = $1 group by 1) c
               using (term) where l.documents is distinct from c.n) as miscounted`,
        [user_id],
      );
      expect(counts).toEqual({ terms: all.length, misplaced: 0, documents: all.length, miscounted: 0 });
    }),
    { numRuns: 40 },
  );
}, 120_000);
