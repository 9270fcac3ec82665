import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { seedContext, seedMessage } from '@potentia/db/testing/seed-chat';
import { seedUser } from '@potentia/db/testing/seed';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { UserCtx } from '../platform/ctx.ts';
import { personCtx } from '../platform/testing/person.ts';
import { archiveContext } from './archive-context.ts';
import { exportChat } from './export-chat.ts';
import { importMessages } from './import-messages.ts';
import { indexMessages } from './index-subjects.ts';
import { listContexts } from './list-contexts.ts';
import { listContextMessages, listMessages } from './list-messages.ts';
import { readImportStatus } from './read-import-status.ts';
import { updateContext } from './update-context.ts';

let t: TestDatabase;
let user_id: string;
let personal: string;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());
beforeEach(async () => {
  const user = await seedUser(t.db);
  user_id = user.user_id;
  personal = user.personal_workspace_id;
});

type Input = Parameters<typeof importMessages>[1]['messages'][number];
const me = (): UserCtx => personCtx(t.db, user_id);
const minute = (n: number): string => new Date(Date.UTC(2026, 2, 1, 9, n)).toISOString();
const message = (n: number, more: Partial<Input> = {}): Input => ({
  external_id: `m${n}`,
  content: `words ${n}`,
  created_at: minute(n),
  ...more,
});
const bring = (messages: Input[], source = 'old', who = me()) => importMessages(who, { source, messages });
const all = async (who = me()) => (await listMessages(who, { limit: 200 })).items;
const contexts = async (who = me()) => (await listContexts(who, {})).items;

describe('an import', () => {
  it('takes up each message once, with its own time, author, language and what its dates meant', async () => {
    await t.asOwner(`update app.users set time_zone = 'Asia/Jakarta' where id = $1`, [user_id]);
    const messages = [
      message(2, { content: 'Yesterday I went to the market with Sari', author_name: 'Budi' }),
      message(1, { content: 'Apa kabar? Kemarin saya pergi ke pasar dan beli ikan', role: 'assistant' }),
    ];
    const report = await bring(messages);
    expect(report).toMatchObject({ imported: 2, duplicates: 0, conflicts: [] });
    expect(await all()).toMatchObject([
      { external_id: 'm1', role: 'assistant', language: 'id', source: 'import', created_at: '2026-03-01T09:01:00Z' },
      {
        external_id: 'm2',
        role: 'user',
        author_name: 'Budi',
        language: 'en',
        import_source: 'old',
        mentions: [{ text: expect.stringMatching(/yesterday/i), from: '2026-02-28', to: '2026-02-28' }],
      },
    ]);
    expect(await bring(messages)).toMatchObject({ imported: 0, duplicates: 2, conflicts: [], contexts: [] });
    expect(await all()).toHaveLength(2);
    // From another system the same name is another message.
    expect(await bring(messages, 'new')).toMatchObject({ imported: 2 });
  });

  it('says which messages say something else than before, in the request too, and leaves those that stand', async () => {
    await bring([message(1), message(2)]);
    const [first] = await all();
    const again = [
      message(1, { content: 'other words' }),
      message(2),
      message(3),
      message(3, { content: 'not what m3 says' }),
      message(3),
      message(1, { role: 'assistant' }),
    ];
    const report = await bring(again);
    expect(report).toMatchObject({ imported: 1, duplicates: 2 });
    expect(report.conflicts.map(({ index, external_id }) => [index, external_id])).toEqual([
      [0, 'm1'],
      [3, 'm3'],
      [5, 'm1'],
    ]);
    expect(report.conflicts[0]).toMatchObject({ message_id: first?.id });
    expect((await all()).map(({ content }) => content)).toEqual(['words 1', 'words 2', 'words 3']);
  });

  it('puts messages into the contexts that they name, the others of a source into one', async () => {
    const report = await bring([
      message(1, { context_external_id: 'trip', context_title: 'Trip to Bali' }),
      message(2, { context_external_id: 'work', content: 'please remind the team about the launch. And more.' }),
      message(3, { content: 'no context' }),
      message(4, { context_external_id: 'trip', context_title: 'Ignored' }),
    ]);
    expect(report.contexts).toMatchObject([
      { external_id: 'trip', title: 'Trip to Bali', imported: 2 },
      { external_id: 'work', title: 'Remind the team about the launch', imported: 1 },
      { external_id: null, imported: 1 },
    ]);
    const trip = report.contexts[0]!.id;
    await updateContext(me(), { context_id: trip, title: 'Mine' });
    const later = await bring([message(5, { context_external_id: 'trip', context_title: 'Theirs' }), message(6)]);
    expect(later.contexts.map(({ id, title }) => [id, title])).toEqual([
      [trip, 'Mine'],
      [report.contexts[2]!.id, 'No context'],
    ]);
    expect((await contexts()).map(({ last_message_at }) => last_message_at)).toEqual([
      '2026-03-01T09:06:00Z',
      '2026-03-01T09:05:00Z',
      '2026-03-01T09:02:00Z',
    ]);
    const { items } = await listContextMessages(me(), { context_id: trip });
    expect(items.map(({ external_id }) => external_id)).toEqual(['m1', 'm4', 'm5']);
  });

  it('keeps the order of the request where times are equal', async () => {
    const same = [5, 3, 9, 1].map((n) => message(n, { created_at: minute(0) }));
    await bring(same);
    expect((await all()).map(({ external_id }) => external_id)).toEqual(['m5', 'm3', 'm9', 'm1']);
  });

  it('refuses times before 1970 and yet to come, by name, and takes nothing of that request', async () => {
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
    const attempt = bring([
      message(1),
      message(2, { created_at: tomorrow }),
      message(3, { created_at: '1969-12-31T23:59:59Z' }),
    ]);
    await expect(attempt).rejects.toMatchObject({
      code: 'request.invalid',
      meta: {
        errors: [
          { pointer: '/messages/1/created_at', message: 'In the future' },
          { pointer: '/messages/2/created_at', message: 'Before 1970' },
        ],
      },
    });
    await expect(bring([message(1, { created_at: '2026-03-01T09:00:00' })])).rejects.toMatchObject({
      meta: { errors: [{ pointer: '/messages/0/created_at' }] },
    });
    expect(await all()).toEqual([]);
  });

  it('takes a time with whatever offset it was written with', async () => {
    await bring([
      message(1, { created_at: '2026-03-01T09:00:00+23:59' }),
      message(2, { created_at: '1970-01-01T00:00:00Z' }),
    ]);
    expect((await all()).map(({ created_at }) => created_at)).toEqual(['1970-01-01T00:00:00Z', '2026-02-28T09:01:00Z']);
  });

  it('of a thousand conversations in one request looks up each of them once, however many there are', async () => {
    const many = (first: number) =>
      Array.from({ length: 1_000 }, (_, n) => message(first + n, { context_external_id: `c${first + n}` }));
    for (let one = 0; one < 8; one++) await bring([message(100_000 + one)]);
    const times: number[] = [];
    for (const first of [0, 1_000, 2_000, 3_000]) {
      const began = performance.now();
      expect(await bring(many(first))).toMatchObject({ imported: 1_000 });
      times.push(performance.now() - began);
    }
    // It was a second and a half by then, and grew with every one.
    expect(Math.min(...times.slice(2))).toBeLessThan(1_000);
  });

  it('makes no memory of what it says, and tells the audit log numbers alone', async () => {
    await bring([message(1, { content: 'Remember that my favourite colour is vermilion and I am allergic to nuts.' })]);
    const found = await t.asOwner(
      `select (select count(*) from app.user_preferences where user_id = $1) + (select count(*) from app.user_semantic_memories where user_id = $1) as memories,
         (select count(*) from app.outbox where user_id = $1 and topic = 'agent.assess') as jobs`,
      [user_id],
    );
    expect(found).toEqual([{ memories: '0', jobs: '0' }]);
    const audits = await t.asOwner<object>(
      `select action, after from app.audit_logs where workspace_id = $1 and action like 'chat%'`,
      [personal],
    );
    expect(audits).toEqual([
      { action: 'chat_message.import', after: { imported: 1, duplicates: 0, conflicts: 0, contexts: 1 } },
    ]);
  });

  it('of two at once with the same messages takes each once', async () => {
    const messages = Array.from({ length: 50 }, (_, n) => message(n));
    const reports = await Promise.all([bring(messages), bring(messages), bring(messages)]);
    expect(reports.map(({ imported }) => imported).toSorted((a, b) => a - b)).toEqual([0, 0, 50]);
    expect(await all()).toHaveLength(50);
  });

  it('beyond what a person may have is refused', async () => {
    await using other = await createTestDatabase();
    await other.asOwner(
      `create or replace function app.max_chat_messages() returns bigint language sql immutable return 3`,
    );
    await other.asOwner(
      `create or replace function app.max_chat_contexts() returns int language sql immutable return 2`,
    );
    const who = personCtx(other.db, (await seedUser(other.db)).user_id);
    await bring([message(1), message(2)], 'old', who);
    await expect(bring([message(3), message(4)], 'old', who)).rejects.toMatchObject({ code: 'chat.too_many_messages' });
    // What is known takes no room.
    expect(await bring([message(1), message(2), message(3)], 'old', who)).toMatchObject({ imported: 1 });
    await other.asOwner('delete from app.chat_messages');
    const spread = [1, 2].map((n) => message(n, { context_external_id: `c${n}` }));
    await expect(bring(spread, 'old', who)).rejects.toMatchObject({ code: 'chat.too_many_contexts' });
  });

  it('tells how far the index is, from the first moment', async () => {
    expect(await readImportStatus(me())).toMatchObject({ imported: 0, indexed: 0, pending: 0, state: 'idle' });
    // One of them has no words.
    await bring([message(1), message(2, { content: '👍' })]);
    expect(await readImportStatus(me())).toMatchObject({ imported: 2, indexed: 0, pending: 2, state: 'indexing' });
    await indexMessages(
      t.job_db,
      (await all()).map(({ id }) => id),
    );
    await t.asOwner('delete from app.embedding_queue where user_id = $1', [user_id]);
    expect(await readImportStatus(me())).toMatchObject({ imported: 2, indexed: 2, pending: 0, state: 'idle' });
  });

  it('between messages that are there has their neighbours indexed anew', async () => {
    await bring([message(1), message(5), message(20)]);
    await t.asOwner('delete from app.embedding_queue where user_id = $1', [user_id]);
    await bring([message(3)]);
    const queue = await t.asOwner<{ external_id: string }>(
      'select m.external_id from app.embedding_queue q join app.chat_messages m on m.id = q.subject_id where q.user_id = $1 order by 1',
      [user_id],
    );
    expect(queue.map(({ external_id }) => external_id)).toEqual(['m1', 'm3', 'm5']);
  });

  it('of a thousand messages takes well below a second, also of hostile ones', async () => {
    const words = 'Tomorrow at 8 we meet Sari in Bandung, kemarin saya makan nasi goreng bersama keluarga. ';
    const took = async (make: (n: number) => string, count: number): Promise<number> => {
      const messages = Array.from({ length: count }, (_, n) =>
        message(n % 60, { external_id: `${make(n)[0]}${count}-${n}`, content: make(n) }),
      );
      const began = performance.now();
      expect(await bring(messages)).toMatchObject({ imported: count });
      return performance.now() - began;
    };
    const usual = await took((n) => `${words}${n}`, 1_000);
    const hostile = await Promise.all(
      ['2026-', '1/', 'next ', words].map((text) => took(() => text.repeat(32_000 / text.length), 50)),
    );
    console.info(
      `1,000 messages: ${Math.round(usual)} ms; 50 of 32,000 characters: ${hostile.map(Math.round).join(', ')} ms`,
    );
    expect(usual).toBeLessThan(2_000);
    expect(Math.max(...hostile)).toBeLessThan(4_000);
  });
});

describe('an export', () => {
  interface Line {
    type: 'context' | 'message';
    message: Input;
  }
  const linesOf = async (who: UserCtx): Promise<Line[]> => {
    let text = '';
    for await (const page of exportChat(who)) text += page;
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Line);
  };

  it('brings contexts and messages into another account, in their order and with their times', async () => {
    await bring(
      Array.from({ length: 450 }, (_, n) =>
        message(n, { created_at: minute(n >> 2), context_external_id: `c${n % 3}` }),
      ),
    );
    const own = await seedContext(t.db, { user_id }, { title: 'Spoken' });
    await seedMessage(t.db, own, {
      content: 'said here',
      role: 'assistant',
      created_at: '2026-03-01T09:00:00.123456Z',
    });
    await archiveContext(me(), { context_id: own.context_id });
    const lines = await linesOf(me());
    expect(lines.filter(({ type }) => type === 'context')).toHaveLength(4);
    const messages = lines.flatMap((line) => (line.type === 'message' ? [line.message] : []));
    expect(messages).toHaveLength(451);

    const other = personCtx(t.db, (await seedUser(t.db)).user_id);
    expect(await bring(messages, 'potentia', other)).toMatchObject({ imported: 451, conflicts: [] });
    const [there, here] = [await linesOf(other), lines].map((each) =>
      each.flatMap((line) => {
        if (line.type !== 'message') return [];
        const { role, content, created_at, context_title } = line.message;
        return [[role, content, created_at, context_title]];
      }),
    );
    expect(there).toEqual(here);
    expect((await contexts(other)).map(({ title }) => title).toSorted()).toEqual([
      'Spoken',
      'Words 0',
      'Words 1',
      'Words 2',
    ]);
  });

  it('is of nobody else', async () => {
    await bring([message(1)]);
    const other = personCtx(t.db, (await seedUser(t.db)).user_id);
    expect(await linesOf(other)).toEqual([]);
  });
});
