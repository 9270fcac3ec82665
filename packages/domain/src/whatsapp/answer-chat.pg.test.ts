import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { addMember, seedUser, seedWorkspace } from '@potentia/db/testing/seed';
import { takeWhatsappTurn } from '@potentia/db/whatsapp/partner-queries';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { RespondEvent } from '../agent/model.ts';
import { startTurn } from '../agent/start-turn.ts';
import { AppError } from '../platform/errors.ts';
import { newId } from '../platform/uuid.ts';
import { answerChat } from './answer-chat.ts';
import { sweepTurns } from './sweep-turns.ts';
import { linkPhone, type LinkedPhone, type PartnerProcess, saidIn, startPartner } from './testing/partner-kit.ts';

let t: TestDatabase;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());

const SOON = { timeout: 15_000, interval: 20 };

async function setUp(overrides: Parameters<typeof startPartner>[1] = {}) {
  const phone = await linkPhone(t, await seedWorkspace(t.db));
  const partner = startPartner(t, overrides);
  onTestFinished(() => partner[Symbol.dispose]());
  return { phone, partner };
}

const answer = ({ ctx }: PartnerProcess, { session, chat_id }: LinkedPhone): Promise<number> =>
  answerChat(ctx, { session_id: session.session_id, chat_id });
const said = async ({ session }: LinkedPhone): Promise<string[]> => (await saidIn(t, session)).map(({ text }) => text);
const turnsOf = ({ session }: LinkedPhone) =>
  t.asOwner<{ status: string; error_code: string | null; run_id: string | null; content: string | null }>(
    'select status, error_code, run_id, content from app.whatsapp_turns where session_id = $1 order by created_at, id',
    [session.session_id],
  );
const runsOf = ({ user_id }: LinkedPhone) =>
  t.asOwner<{ workspace_id: string; status: string; source: string; attempt: number }>(
    'select workspace_id, status, source, attempt from app.agent_runs where user_id = $1',
    [user_id],
  );
const schedulesOf = ({ user_id }: LinkedPhone) =>
  t.asOwner<{ title: string }>(
    'select s.title from app.schedules s join app.calendars c on c.id = s.calendar_id where s.created_by = $1',
    [user_id],
  );
const letGo = ({ session }: LinkedPhone) =>
  t.asOwner(`update app.whatsapp_turns set lease_until = now() - interval '1 second' where session_id = $1`, [
    session.session_id,
  ]);

/** A model that says this, as text or as what it throws. */
const says = (text: () => string | Promise<string>) => ({
  respond: async function* (_input: unknown, signal: AbortSignal): AsyncGenerator<RespondEvent> {
    const stopped = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new AppError('unavailable', 'model.cancelled', 'stopped')));
    });
    yield { type: 'text', text: await Promise.race([text(), stopped]) };
    const usage = { prompt_tokens: 0, output_tokens: 0, thought_tokens: 0, cached_tokens: 0 };
    const report = { provider: 'local-rules', model: 'rules-1', usage, calls: 0 };
    yield { type: 'finish', reason: 'stop', explanation: null, raw: null, report };
  },
});

describe('a message of a linked person', () => {
  it('is answered as in the app, in the workspace of the session, once, to the phone that wrote it', async () => {
    const { phone, partner } = await setUp();
    const message_id = await phone.write('ingatkan aku besok jam 9 rapat');
    expect(await answer(partner, phone)).toBe(1);
    const [only, ...more] = await saidIn(t, phone.session);
    expect(more).toEqual([]);
    expect(only).toMatchObject({
      key: `turn:${phone.session.session_id}:${phone.chat_id}:${message_id}`,
      to: { lid: phone.contact.lid },
      requested_by: phone.user_id,
    });
    expect(only?.text).toMatch(/Selesai: pengingat “rapat”.*09\.00/u);
    expect(await schedulesOf(phone)).toEqual([{ title: 'rapat' }]);
    expect(await runsOf(phone)).toMatchObject([
      { workspace_id: phone.session.workspace_id, status: 'done', source: 'whatsapp' },
    ]);
    expect(await turnsOf(phone)).toMatchObject([{ status: 'answered', content: null, run_id: expect.any(String) }]);
    expect(await answer(partner, phone)).toBe(0);
    expect(partner.ended).toMatchObject([{ outcome: 'answered' }]);
  });

  it('is paid by the person themselves where they belong to no workspace of the session', async () => {
    const who = await seedUser(t.db);
    const phone = await linkPhone(t, await seedWorkspace(t.db), who);
    using partner = startPartner(t);
    await phone.write('halo');
    await answer(partner, phone);
    expect(await runsOf(phone)).toMatchObject([{ workspace_id: who.personal_workspace_id }]);
  });

  it('that comes again, in whichever event, is one turn and one answer', async () => {
    const { phone, partner } = await setUp();
    const [event_id, message_id] = [newId(), `IN${newId()}`];
    for (const again of [{ event_id, message_id }, { event_id, message_id }, { message_id }])
      await phone.write('ingatkan aku besok jam 9 rapat', again);
    await answer(partner, phone);
    await phone.write('ingatkan aku besok jam 9 rapat', { message_id });
    await answer(partner, phone);
    expect(await said(phone)).toHaveLength(1);
    expect(await schedulesOf(phone)).toHaveLength(1);
  });

  it('waits for those before it, whoever is at work', async () => {
    const { phone, partner } = await setUp();
    using other = startPartner(t);
    const words = ['buatkan catatan satu', 'ingatkan aku besok jam 9 rapat', 'ya', 'apa jadwalku besok?', 'halo'];
    for (const text of words) await phone.write(text);
    const work = async (at: PartnerProcess): Promise<void> => {
      await answer(at, phone).catch((error: unknown) => {
        if (!(error instanceof AppError) || error.code !== 'whatsapp.turn_busy') throw error;
      });
    };
    await Promise.all([work(partner), work(other), work(partner), work(other)]);
    await answer(partner, phone);
    const turns = await turnsOf(phone);
    expect(turns.map(({ status }) => status)).toEqual(words.map(() => 'answered'));
    const runs = await t.asOwner<{ content: string }>(
      `select m.content from app.agent_runs r join app.chat_messages m on m.id = r.user_message_id and m.user_id = r.user_id
       where r.user_id = $1 order by r.started_at`,
      [phone.user_id],
    );
    expect(runs.map(({ content }) => content)).toEqual(words);
    expect(await said(phone)).toHaveLength(words.length);
  });

  it('asks first where others are concerned, and a ya or a batal from the phone is the answer', async () => {
    const { phone, partner } = await setUp();
    const order = (title: string) => `jadwalkan ${title} besok jam 10 sampai 11 undang budi@example.com`;
    await phone.write(order('rapat'));
    await answer(partner, phone);
    expect((await said(phone)).at(-1)).toMatch(/ya atau tidak|setuju/iu);
    expect(await schedulesOf(phone)).toEqual([]);
    await phone.write('batal');
    await answer(partner, phone);
    expect(await schedulesOf(phone)).toEqual([]);
    await phone.write(order('makan siang'));
    await phone.write('ya');
    await answer(partner, phone);
    expect(await schedulesOf(phone)).toEqual([{ title: expect.stringContaining('makan siang') as string }]);
    expect((await said(phone)).at(-1)).toContain('Selesai');
  });
});

describe('an answer', () => {
  it('that is long is several messages in their order, in the marks of WhatsApp', async () => {
    const text = `**Satu**\n\n${'kata '.repeat(1_500)}\n\n## Dua`;
    const { phone, partner } = await setUp({ answer: says(() => text) });
    const message_id = await phone.write('ceritakan semuanya');
    await answer(partner, phone);
    const messages = await saidIn(t, phone.session);
    expect(messages.map(({ key }) => key.split(message_id)[1])).toEqual([':1', ':2']);
    expect(messages[0]?.text).toMatch(/^\*Satu\*/u);
    expect(messages[1]?.text).toMatch(/\*Dua\*$/u);
  });

  it('shows that it is being written, from its beginning to its end', async () => {
    const { phone, partner } = await setUp();
    await phone.write('halo');
    await answer(partner, phone);
    const typing = partner.asked.filter(({ path }) => path === '/typing').map(({ body }) => body);
    expect(typing).toEqual([
      { to: { lid: phone.contact.lid }, state: 'composing' },
      { to: { lid: phone.contact.lid }, state: 'paused' },
    ]);
  });

  it('is none any more once the link is ended, though it was on its way', async () => {
    let go: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    const { phone, partner } = await setUp({ answer: says(() => gate.then(() => 'a secret')) });
    await phone.write('what is my secret?');
    const work = answer(partner, phone);
    await vi.waitFor(async () => expect(await runsOf(phone)).toHaveLength(1), SOON);
    await t.asOwner(`select app.delete_whatsapp_link(user_id, id, 'r') from app.whatsapp_links where user_id = $1`, [
      phone.user_id,
    ]);
    go();
    await work;
    expect(await said(phone)).toEqual([]);
    expect(partner.ended).toMatchObject([{ outcome: 'dropped' }]);
  });
});

describe('a link that ends', () => {
  /** Linked as a member of the session's workspace. */
  const linkMember = async (): Promise<LinkedPhone> => {
    const workspace = await seedWorkspace(t.db);
    const member = await addMember(t.db, workspace);
    const phone = await linkPhone(t, workspace, { ...(await seedUser(t.db, member)) });
    await t.asOwner('update app.whatsapp_links set is_open = false where user_id = $1', [member.user_id]);
    return phone;
  };
  const leave = ({ user_id }: LinkedPhone) =>
    t.asOwner('delete from app.workspace_members where user_id = $1', [user_id]);

  it('with the membership takes with it what waits to be answered: no model sees it', async () => {
    const phone = await linkMember();
    using partner = startPartner(t);
    await phone.write('what is new?');
    await leave(phone);
    expect(await answer(partner, phone)).toBe(0);
    expect([await said(phone), await runsOf(phone)]).toEqual([[], []]);
    expect(await turnsOf(phone)).toMatchObject([{ error_code: 'whatsapp.link_not_found', content: null }]);
  });

  it('with the membership takes with it what is being answered', async () => {
    const phone = await linkMember();
    let go: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    using partner = startPartner(t, { answer: says(() => gate.then(() => 'a secret of the workspace')) });
    await phone.write('what is new?');
    const work = answer(partner, phone);
    await vi.waitFor(async () => expect(await runsOf(phone)).toHaveLength(1), SOON);
    await leave(phone);
    go();
    await work;
    expect(await said(phone)).toEqual([]);
    expect(await turnsOf(phone)).toMatchObject([{ status: 'failed', error_code: 'whatsapp.link_not_found' }]);
  });
});

describe('forgetting everything', () => {
  const forget = async ({ user_id }: LinkedPhone): Promise<unknown> => {
    const text = `select app.forget_everything($1, now(), 100, $2, null, null) ->> 'is_done' as is_done`;
    return (await t.asOwner<{ is_done: string }>(text, [user_id, newId()]))[0]?.is_done;
  };

  it('takes back what waits for an answer, and nobody else’s', async () => {
    const { phone, partner } = await setUp();
    const other = await linkPhone(t, await seedWorkspace(t.db));
    await phone.write('forget that I wrote this');
    await other.write('halo');
    expect(await forget(phone)).toBe('true');
    expect(await answer(partner, phone)).toBe(0);
    expect(await turnsOf(phone)).toEqual([
      { status: 'failed', error_code: 'chat.forgotten', run_id: null, content: null },
    ]);
    expect([await said(phone), await runsOf(phone)]).toEqual([[], []]);
    expect(await answer(partner, other)).toBe(1);
  });

  it('keeps the process that is at work from answering', async () => {
    const { phone } = await setUp();
    const stopped = Promise.withResolvers<string>();
    const begun = Promise.withResolvers<undefined>();
    using partner = startPartner(t, {
      answer: says(() => {
        begun.resolve(undefined);
        return stopped.promise;
      }),
    });
    await phone.write('a word');
    const working = answer(partner, phone);
    await begun.promise;
    await forget(phone);
    stopped.resolve('an answer');
    await working;
    expect(await said(phone)).toEqual([]);
    expect(await turnsOf(phone)).toMatchObject([{ error_code: 'chat.forgotten', content: null }]);
  });
});

describe('a process that dies', () => {
  it('before it has begun, after it has answered, or anywhere between leaves one turn and one answer', async () => {
    const { phone, partner } = await setUp();
    const { session, chat_id } = phone;
    const message_id = await phone.write('ingatkan aku besok jam 9 rapat');
    const died = { session_id: session.session_id, chat_id, owner: newId(), lease_ms: 60_000 };
    const row = await takeWhatsappTurn(t.job_db, died);
    expect(row).toMatchObject({ message_id });
    await expect(answer(partner, phone)).rejects.toMatchObject({ kind: 'unavailable', code: 'whatsapp.turn_busy' });
    await letGo(phone);

    // It had its answer in the chat, and had not said it yet.
    using dead = startPartner(t);
    const turn = await startTurn(
      {
        ...dead.ctx,
        db: t.db,
        actor: { type: 'user', user_id: phone.user_id },
        idempotency_key: `whatsapp:${session.session_id}:${chat_id}:${message_id}`,
      },
      { content: 'ingatkan aku besok jam 9 rapat', source: 'whatsapp', workspace_id: session.workspace_id },
    );
    for await (const _event of turn.events({ after: 0, signal: new AbortController().signal }));

    await answer(partner, phone);
    expect(await said(phone)).toHaveLength(1);
    expect(await schedulesOf(phone)).toHaveLength(1);
    expect(await runsOf(phone)).toMatchObject([{ status: 'done', attempt: 1 }]);
  });

  it('and comes back too late has nothing to say', async () => {
    let go: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    const { phone, partner: slow } = await setUp({ answer: says(() => gate.then(() => 'late')) });
    await phone.write('halo');
    const work = answer(slow, phone).catch(() => 0);
    await vi.waitFor(async () => expect(await runsOf(phone)).toHaveLength(1), SOON);
    await letGo(phone);
    await t.asOwner(`update app.agent_runs set lease_until = now() - interval '1 second' where user_id = $1`, [
      phone.user_id,
    ]);
    using other = startPartner(t);
    await answer(other, phone);
    expect(await said(phone)).toHaveLength(1);
    go();
    await work;
    expect(await said(phone)).toHaveLength(1);
    expect(await said(phone)).not.toContain('late');
  });

  it('and took the job with it is noticed by the sweeper', async () => {
    const { phone, partner } = await setUp();
    await phone.write('halo');
    await t.asOwner('delete from app.outbox', []);
    await t.asOwner(`update app.whatsapp_turns set created_at = now() - interval '1 minute' where session_id = $1`, [
      phone.session.session_id,
    ]);
    expect(await sweepTurns(partner.ctx)).toBeGreaterThan(0);
    const woken = () =>
      t.asOwner(`select 1 from app.outbox where topic = 'whatsapp.turn' and payload ->> 'chat_id' = $1`, [
        phone.chat_id,
      ]);
    expect(await woken()).toHaveLength(1);
    await sweepTurns(partner.ctx);
    expect(await woken()).toHaveLength(1);
  });

  it('as it is told to stop gives its message to another one at once', async () => {
    const never = new Promise<string>(() => undefined);
    const { phone, partner } = await setUp({ answer: says(() => never) });
    await phone.write('halo');
    const work = answer(partner, phone);
    const refused = expect(work).rejects.toMatchObject({ kind: 'unavailable' });
    await vi.waitFor(async () => expect(await runsOf(phone)).toHaveLength(1), SOON);
    await partner.ctx.turns.drain(10);
    await refused;
    using other = startPartner(t);
    await answer(other, phone);
    expect(await said(phone)).toHaveLength(1);
  });
});

describe('what cannot be answered', () => {
  const away = () => new AppError('unavailable', 'model.unavailable', 'away', { retry_after_ms: 5 });

  it('for now is tried again, and answered once the model is back', async () => {
    let is_away = true;
    const { phone, partner } = await setUp({
      answer: says(() => (is_away ? Promise.reject(away()) : 'back again')),
    });
    await phone.write('halo');
    await expect(answer(partner, phone)).rejects.toMatchObject({ code: 'model.unavailable' });
    await expect(answer(partner, phone)).rejects.toMatchObject({ code: 'model.unavailable' });
    expect(await said(phone)).toEqual([]);
    is_away = false;
    await answer(partner, phone);
    expect(await said(phone)).toEqual(['back again']);
    expect(await runsOf(phone)).toMatchObject([{ status: 'done', attempt: 3 }]);
  });

  it('for a quarter of an hour is said to be so, and what comes after it is not held up any more', async () => {
    let now = Date.now();
    let is_away = true;
    const { phone, partner } = await setUp({
      clock: () => new Date(now),
      answer: says(() => (is_away ? Promise.reject(away()) : 'here')),
    });
    await phone.write('halo');
    await phone.write('apa kabar?');
    await expect(answer(partner, phone)).rejects.toMatchObject({ code: 'model.unavailable' });
    now += 901_000;
    await expect(answer({ ...partner, ctx: { ...partner.ctx } }, phone)).resolves.toBe(2);
    is_away = false;
    expect(await said(phone)).toEqual(Array(2).fill(expect.stringMatching(/belum bisa menjawab/u)));
    expect(await turnsOf(phone)).toMatchObject(Array(2).fill({ status: 'failed', error_code: 'model.unavailable' }));
  });

  it('since the limit is used up is told until when', async () => {
    const reset_at = '2026-03-02T17:00:00.000Z';
    const used_up = new AppError('limit', 'usage.quota_exceeded', 'used up', { reset_at, retry_after_ms: 60_000 });
    const { phone, partner } = await setUp({ answer: says(() => Promise.reject(used_up)) });
    await phone.write('halo');
    await answer(partner, phone);
    expect(await said(phone)).toEqual([expect.stringMatching(/3 Mar 2026.*00\.00/u)]);
    expect(await turnsOf(phone)).toMatchObject([{ status: 'failed', error_code: 'usage.quota_exceeded' }]);
  });

  it('by a mistake of ours is tried five times, and then said', async () => {
    const { phone, partner } = await setUp();
    await phone.write('halo');
    const broken: PartnerProcess = {
      ...partner,
      ctx: { ...partner.ctx, turns: { startOnce: () => Promise.reject(new TypeError('a mistake')) } as never },
    };
    for (let n = 0; n < 4; n += 1) await expect(answer(broken, phone)).rejects.toThrow('a mistake');
    await answer(broken, phone);
    expect(await said(phone)).toEqual([expect.stringMatching(/tidak bisa menjawab/u)]);
    expect(await turnsOf(phone)).toMatchObject([{ status: 'failed', error_code: 'whatsapp.turn_failed' }]);
  });
});
