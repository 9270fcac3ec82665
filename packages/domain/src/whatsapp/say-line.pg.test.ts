import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { seedWorkspace } from '@potentia/db/testing/seed';
import { seedSession } from '@potentia/db/testing/seed-whatsapp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newId } from '../platform/uuid.ts';
import { sayLine, sayLinePayload } from './say-line.ts';
import { linkPhone, saidIn, startPartner } from './testing/partner-kit.ts';

let t: TestDatabase;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());

type Line = Parameters<typeof sayLine>[1];
const say = async (line: Omit<Line, 'idempotency_key'>, key = newId()): Promise<boolean> => {
  using partner = startPartner(t);
  return await sayLine(partner.ctx, sayLinePayload.parse({ ...line, idempotency_key: key }));
};

it('a line goes to the linked phone in the language of its person, once, however often its job runs', async () => {
  const { session, chat_id, user_id, contact } = await linkPhone(t, await seedWorkspace(t.db));
  const line = { session_id: session.session_id, chat_id, user_id, line: 'linked' as const };
  for (let n = 0; n < 3; n += 1) expect(await say(line, 'link:1')).toBe(true);
  expect(await saidIn(t, session)).toEqual([
    {
      ...{ key: 'link:1', to: { lid: contact.lid }, requested_by: user_id },
      text: expect.stringMatching(/terhubung denganmu/u) as string,
    },
  ]);
  await t.asOwner('update app.users set locale = null where id = $1', [user_id]);
  await say({ ...line, line: 'text_only' });
  // An Indonesian number.
  expect((await saidIn(t, session)).at(-1)?.text).toMatch(/membaca teks/u);
});

it('whoever was linked is told to which account', async () => {
  const { session, chat_id, user_id } = await linkPhone(t, await seedWorkspace(t.db));
  await t.asOwner('update app.users set email = $2 where id = $1', [user_id, 'eve@example.com']);
  await say({ session_id: session.session_id, chat_id, user_id, line: 'linked' });
  expect((await saidIn(t, session)).at(-1)?.text).toContain('terhubung denganmu (eve@example.com).');
});

it('nothing is said to somebody whose link has ended, nor under another person’s name', async () => {
  const { session, chat_id, user_id } = await linkPhone(t, await seedWorkspace(t.db));
  const line = { session_id: session.session_id, chat_id, line: 'linked' as const };
  expect(await say({ ...line, user_id: newId() })).toBe(false);
  await t.asOwner('delete from app.whatsapp_links where user_id = $1', [user_id]);
  expect(await say({ ...line, user_id })).toBe(false);
  expect(await saidIn(t, session)).toEqual([]);
});

it('a stranger is told what the card says now, in the name of who made it', async () => {
  const workspace = await seedWorkspace(t.db);
  const session = await seedSession(t, workspace);
  const line = { session_id: session.session_id, chat_id: newId(), user_id: null, line: 'unlinked' as const };
  expect(await say(line)).toBe(false);
  await t.asOwner(`update app.whatsapp_sessions set unlinked_reply = 'Write to us' where id = $1`, [
    session.session_id,
  ]);
  expect(await say(line, 'greeting:1')).toBe(true);
  expect(await saidIn(t, session)).toEqual([
    { key: 'greeting:1', to: { chat_id: line.chat_id }, text: 'Write to us', requested_by: workspace.owner_user_id },
  ]);
});
