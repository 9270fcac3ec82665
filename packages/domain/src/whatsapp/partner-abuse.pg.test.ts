import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { seedWorkspace } from '@potentia/db/testing/seed';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { RespondEvent } from '../agent/model.ts';
import { AppError } from '../platform/errors.ts';
import { answerChat } from './answer-chat.ts';
import { linkPhone, type LinkedPhone, type PartnerProcess, saidIn, startPartner } from './testing/partner-kit.ts';

/* What linked phones can do to the house: talk without end, faster than it answers, and to each other. */

let t: TestDatabase;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());

const start = (overrides: Parameters<typeof startPartner>[1] = {}): PartnerProcess => {
  const partner = startPartner(t, overrides);
  onTestFinished(() => partner[Symbol.dispose]());
  return partner;
};
const turnsOf = ({ session }: LinkedPhone) =>
  t.asOwner<{ status: string; error_code: string | null; content: string | null }>(
    'select status, error_code, content from app.whatsapp_turns where session_id = $1 order by created_at, id',
    [session.session_id],
  );
const linesOf = async ({ session }: LinkedPhone): Promise<string[]> =>
  (
    await t.asOwner<{ key: string }>(
      `select payload ->> 'idempotency_key' as key from app.outbox where topic = 'whatsapp.say' and payload ->> 'session_id' = $1`,
      [session.session_id],
    )
  ).map(({ key }) => key);

describe('two sessions that are linked to each other', () => {
  /** The phone of `link` is the number of the session `of`. */
  const isNumberOf = async (link: LinkedPhone, of: LinkedPhone, by: 'phone' | 'lid') => {
    const value = link.contact[by];
    await t.asOwner(`update app.whatsapp_sessions set ${by} = $2 where id = $1`, [of.session.session_id, value]);
  };
  it.each(['phone', 'lid'] as const)('do not answer each other, known by %s', async (by) => {
    const [one, other] = [await linkPhone(t, await seedWorkspace(t.db)), await linkPhone(t, await seedWorkspace(t.db))];
    await isNumberOf(one, other, by);
    await one.write('halo');
    // A session that somebody linked as their own phone is a person's like any other.
    expect(await turnsOf(one)).toMatchObject([{ status: 'pending' }]);
    await isNumberOf(other, one, by);
    await one.write('halo');
    await other.write('halo');
    expect(await turnsOf(one)).toHaveLength(1);
    expect(await turnsOf(other)).toEqual([]);
  });
});

describe('a linked person who writes without end', () => {
  it('has so many messages waiting, is told once that more are not read, and goes on when they are answered', async () => {
    const phone = await linkPhone(t, await seedWorkspace(t.db));
    for (let n = 0; n < 23; n += 1) await phone.write(`message ${n}`);
    const turns = await turnsOf(phone);
    expect(turns.filter(({ status }) => status === 'pending')).toHaveLength(20);
    expect(turns.slice(20)).toEqual(
      Array(3).fill({ status: 'failed', error_code: 'whatsapp.too_many', content: null }),
    );
    expect(new Set(await linesOf(phone)).size).toBe(1);
    await t.asOwner(`update app.whatsapp_turns set status = 'answered', content = null where session_id = $1`, [
      phone.session.session_id,
    ]);
    await phone.write('and now?');
    expect((await turnsOf(phone)).at(-1)).toMatchObject({ status: 'pending' });
  });

  it('is told once that the limit is used up, until when', async () => {
    const reset_at = '2026-03-02T17:00:00.000Z';
    const used_up = new AppError('limit', 'usage.quota_exceeded', 'used up', { reset_at, retry_after_ms: 60_000 });
    // eslint-disable-next-line require-yield -- it refuses before it says a word
    const respond = async function* (): AsyncGenerator<RespondEvent> {
      throw used_up;
    };
    const partner = start({ answer: { respond } });
    const phone = await linkPhone(t, await seedWorkspace(t.db));
    for (const text of ['satu', 'dua', 'tiga']) await phone.write(text);
    const { session, chat_id } = phone;
    await answerChat(partner.ctx, { session_id: session.session_id, chat_id });
    expect(await turnsOf(phone)).toMatchObject(Array(3).fill({ status: 'failed', error_code: 'usage.quota_exceeded' }));
    expect(await saidIn(t, session)).toMatchObject([
      { key: `quota:${session.session_id}:${phone.user_id}:${reset_at}` },
    ]);
  });
});
