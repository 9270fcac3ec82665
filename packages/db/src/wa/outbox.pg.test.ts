import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enqueueMessage, holdOutbox, listOutbox, readOutbox, readPace, readProto } from './outbox-queries.ts';
import { takeLease } from './state-queries.ts';
import { type HeldLease, inboundText, newPhone, type OutboxKit, startOutboxKit } from './testing/outbox-kit.ts';
import { completeUpload, createMedia, forgetUploads, getUpload } from './upload-queries.ts';

let kit: OutboxKit;
let session: HeldLease;
beforeAll(async () => {
  kit = await startOutboxKit();
  session = await kit.hold();
});
afterAll(() => kit[Symbol.asyncDispose]());

const refused = (work: Promise<unknown>): Promise<{ code: string; meta: Record<string, unknown> }> =>
  work.then(
    () => expect.fail('should have been refused'),
    (error: unknown) => error as { code: string; meta: Record<string, unknown> },
  );

async function upload(held: HeldLease, kind: 'image' | 'video' = 'image', is_complete = true): Promise<string> {
  const id = randomUUID();
  await createMedia(kit.db, held.session_id, {
    ...{ id, kind, media_type: 'image/png', file_name: null, size: 5, object_key: `wa/${id}` },
  });
  if (is_complete) await completeUpload(kit.db, held.session_id, id);
  return id;
}

describe('a message that is asked for', () => {
  it('waits in the queue, under both ids, in a chat with the person', async () => {
    const phone = newPhone();
    const { message, is_new } = await session.enqueue({ to: { phone } });
    expect(is_new).toBe(true);
    expect(message).toMatchObject({
      session_id: session.session_id,
      direction: 'out',
      status: 'queued',
      type: 'text',
      content: { text: 'Hello' },
      chat: { kind: 'person', contact: { phone, lid: null } },
      hold: null,
      request_id: 'request',
    });
  });

  it('is one message however often it is asked for, also at once; with another body the key is refused', async () => {
    const again = {
      id: randomUUID(),
      message_id: `3EB0${'A'.repeat(18)}`,
      idempotency_key: 'order 7',
      to: { phone: newPhone() },
    };
    const all = await Promise.all(Array.from({ length: 6 }, () => session.enqueue({ ...again, id: randomUUID() })));
    expect(new Set(all.map(({ message }) => message.id)).size).toBe(1);
    expect(all.filter(({ is_new }) => is_new)).toHaveLength(1);
    const other = refused(session.enqueue({ ...again, request_hash: 'other' }));
    expect((await other).code).toBe('whatsapp.key_reused');
    // Another session's keys are its own.
    expect((await (await kit.hold()).enqueue(again)).is_new).toBe(true);
  });

  it('goes to the one chat of a person, whichever id names them', async () => {
    const phone = newPhone();
    const lid = `9${phone}`;
    await session.commit({
      inbound: [inboundText(phone, 'IN1', { chat: { kind: 'person', phone, lid }, sender: { phone, lid } })],
    });
    const chats = await Promise.all([session.enqueue({ to: { phone } }), session.enqueue({ to: { lid } })]);
    const [first] = chats;
    expect(chats.map(({ chat_id }) => chat_id)).toEqual([first?.chat_id, first?.chat_id]);
    const by_chat = await session.enqueue({ to: { chat_id: first?.chat_id ?? '' } });
    expect(by_chat.message).toMatchObject({ chat: { contact: { phone, lid } } });
  });

  it('goes to a group, whose chat is made when it is not known yet', async () => {
    const sent = await session.enqueue({ to: { group_id: '120363040000000001' } });
    expect(sent.message).toMatchObject({ chat: { kind: 'group', group_id: '120363040000000001', contact: null } });
  });

  it('is refused by who does not hold the session, and when too many wait', async () => {
    const stale = await kit.hold();
    await takeLease(kit.db, { ...stale, worker_id: randomUUID(), generation: 2 }, 15_000, null);
    expect((await refused(stale.enqueue())).code).toBe('lease.lost');
    const full = await kit.hold();
    await full.enqueue({ queue_limit: 2 });
    await full.enqueue({ queue_limit: 2 });
    expect((await refused(full.enqueue({ queue_limit: 2 }))).code).toBe('whatsapp.queue_full');
  });

  it('names only what is in its own session and chat: a chat, a message, a file of another is as one that never was', async () => {
    const mine = await kit.hold();
    const theirs = await kit.hold();
    const their_phone = newPhone();
    const their_message = await theirs.enqueue({ to: { phone: their_phone } });
    const my_message = await mine.enqueue();
    const their_media = await upload(theirs);
    const same_chat = { to: { chat_id: my_message.chat_id } };
    const code = async (message: Parameters<HeldLease['enqueue']>[0]) => {
      const { code, meta } = await refused(mine.enqueue(message));
      return [code, meta['pointer']];
    };
    expect(await code({ to: { chat_id: their_message.chat_id } })).toEqual(['whatsapp.chat_not_found', '/to/chat_id']);
    for (const message_id of [their_message.message.message_id, 'NEVER']) {
      expect(await code({ ...same_chat, reply_to: message_id })).toEqual(['whatsapp.message_not_found', '/reply_to']);
      for (const type of ['reaction', 'edit', 'delete'])
        expect(await code({ ...same_chat, content: { type, message_id } })).toEqual([
          'whatsapp.message_not_found',
          '/content/message_id',
        ]);
    }
    // Of the own session, and of another chat.
    expect(await code({ reply_to: my_message.message.message_id })).toEqual([
      'whatsapp.message_not_found',
      '/reply_to',
    ]);
    for (const media_id of [their_media, randomUUID()])
      expect(await code({ content: { type: 'image', media_id } })).toEqual([
        'whatsapp.media_not_found',
        '/content/media_id',
      ]);
    expect(await readOutbox(kit.db, mine.session_id, [their_message.message.id])).toEqual([]);
    expect(
      await readProto(kit.db, mine.session_id, their_message.message.message_id, { phone: their_phone }),
    ).toBeNull();
  });
});

describe('what changes another message', () => {
  it('edits and deletes what the session wrote, as long as phones accept it; and reacts to anything', async () => {
    const phone = newPhone();
    await session.commit({ inbound: [inboundText(phone, 'THEIRS')] });
    const { chat_id, message } = await session.enqueue({ to: { phone } });
    const to = { chat_id };
    await session.enqueue({ to, content: { type: 'reaction', message_id: 'THEIRS', emoji: '👍' } });
    await session.enqueue({ to, content: { type: 'edit', message_id: message.message_id, text: 'Other' } });
    for (const type of ['edit', 'delete'])
      expect((await refused(session.enqueue({ to, content: { type, message_id: 'THEIRS' } }))).code).toBe(
        'whatsapp.not_own_message',
      );
    await kit.t.asOwner(`update wa.messages set at = now() - interval '16 minutes' where id = $1`, [message.id]);
    const edit = { type: 'edit', message_id: message.message_id, text: 'Late' };
    expect((await refused(session.enqueue({ to, content: edit }))).code).toBe('whatsapp.too_late');
    await session.enqueue({ to, content: { type: 'delete', message_id: message.message_id } });
  });

  it('is applied when the server has taken it, and not before', async () => {
    const { chat_id, message } = await session.enqueue();
    const to = { chat_id };
    const edit = await session.enqueue({ to, content: { type: 'edit', message_id: message.message_id, text: 'New' } });
    const read = async () => (await readOutbox(kit.db, session.session_id, [message.id]))[0]?.content;
    expect(await read()).toEqual({ text: 'Hello' });
    await session.commit({
      statuses: [{ id: edit.message.id, message_id: 'x', status: 'acked', at: new Date().toISOString() }],
    });
    expect(await read()).toEqual({ text: 'New' });
  });

  it('is refused for a message that failed', async () => {
    const { chat_id, message } = await session.enqueue();
    const { message_id } = message;
    await session.commit({ statuses: [{ message_id, status: 'failed', at: new Date().toISOString() }] });
    const content = { type: 'reaction', message_id, emoji: '👍' };
    expect((await refused(session.enqueue({ to: { chat_id }, content }))).code).toBe('whatsapp.message_failed');
  });
});

describe('a file', () => {
  it('is sent when it is uploaded, as what it was announced, and again as often as one likes', async () => {
    const media_id = await upload(session);
    const content = { type: 'image', media_id, caption: 'Look' };
    const [first, second] = [await session.enqueue({ content }), await session.enqueue({ content })];
    expect(first.message).toMatchObject({ content: { caption: 'Look' }, media: { media_id, status: 'stored' } });
    expect(second.message).toMatchObject({ media: { kind: 'image', size: 5 } });
    const rows = await readOutbox(kit.db, session.session_id, [first.message.id, second.message.id]);
    expect(rows.map(({ media }) => media?.object_key)).toEqual([`wa/${media_id}`, `wa/${media_id}`]);
  });

  it('is refused before, and as another kind', async () => {
    const awaited = await upload(session, 'image', false);
    const code = async (content: object) =>
      (await refused(session.enqueue({ content: content as Record<string, unknown> }))).code;
    expect(await code({ type: 'image', media_id: awaited })).toBe('whatsapp.media_not_uploaded');
    expect(await code({ type: 'voice', media_id: await upload(session) })).toBe('whatsapp.media_of_other_kind');
  });

  it('is forgotten when it was never sent, and its object goes unless a message has it', async () => {
    const held = await kit.hold();
    const unsent = await upload(held);
    const sent = await upload(held);
    await held.enqueue({ content: { type: 'image', media_id: sent } });
    await kit.t.asOwner(`update wa.media set created_at = now() - interval '2 days' where session_id = $1`, [
      held.session_id,
    ]);
    const yesterday = new Date(Date.now() - 86_400_000);
    expect(await forgetUploads(kit.db, { before: yesterday, limit: 100 })).toEqual([`wa/${unsent}`]);
    expect((await refused(getUpload(kit.db, held.session_id, unsent))).code).toBe('whatsapp.media_not_found');
    expect((await refused(getUpload(kit.db, session.session_id, sent))).code).toBe('whatsapp.media_not_found');
  });
});

describe('the queue', () => {
  it('is in the order in which messages were asked for, without those that are settled', async () => {
    const held = await kit.hold();
    const sent = [];
    for (let n = 0; n < 4; n++) sent.push(await held.enqueue());
    const at = new Date().toISOString();
    await held.commit({
      statuses: [
        { message_id: sent[0]?.message.message_id, status: 'acked', at },
        { message_id: sent[1]?.message.message_id, status: 'failed', at },
        { message_id: sent[2]?.message.message_id, status: 'sent', at },
      ],
    });
    const ids = (await listOutbox(kit.db, held.session_id, 10)).map(({ id }) => id);
    expect(ids).toEqual([sent[2]?.message.id, sent[3]?.message.id]);
  });

  it('tells why a message waits until it leaves', async () => {
    const held = await kit.hold();
    const { message } = await held.enqueue();
    // Postgres writes no zeros at the end of a second.
    const until = new Date(Date.now() + 60_000).toISOString().replace(/\.?0*Z$/, 'Z');
    await holdOutbox(kit.db, held, [{ id: message.id, reason: 'cold_budget', until }]);
    const show = async () =>
      (
        await kit.t.asOwner<{ m: { hold: unknown } }>(
          'select wa.message_json(m) as m from wa.messages m where id = $1',
          [message.id],
        )
      )[0]?.m.hold;
    expect(await show()).toEqual({ reason: 'cold_budget', until });
    await held.commit({ statuses: [{ id: message.id, message_id: 'x', attempt: { proto: null, is_cold: false } }] });
    expect(await show()).toBeNull();
    const stranger = { ...held, worker_id: randomUUID() };
    expect((await refused(holdOutbox(kit.db, stranger, []))).code).toBe('lease.lost');
  });

  it('knows a new conversation, and counts it once in the budget of the day', async () => {
    const held = await kit.hold();
    const phone = newPhone();
    const { message } = await held.enqueue({ to: { phone } });
    const look = async () => (await readOutbox(kit.db, held.session_id, [message.id]))[0];
    expect(await look()).toMatchObject({ is_new_conversation: true, attempts: 0, proto: null });
    const attempt = { id: message.id, message_id: 'x', attempt: { proto: 'AAEC', is_cold: true } };
    await held.commit({ statuses: [attempt] });
    await held.commit({ statuses: [{ ...attempt, attempt: { proto: 'BBBB', is_cold: true } }] });
    // What a message is, is fixed with its first attempt.
    expect(await look()).toMatchObject({ attempts: 2, proto: 'AAEC' });
    expect(await readPace(kit.db, held.session_id)).toMatchObject({ cold_sent: 1 });
    const proto = (chat: object) => readProto(kit.db, held.session_id, message.message_id, chat);
    expect(await proto({ phone })).toBe('AAEC');
    for (const chat of [{}, { phone: newPhone() }, { lid: '1' }, { group_id: phone }])
      expect(await proto(chat)).toBeNull();
    await held.commit({
      statuses: [{ message_id: message.message_id, status: 'acked', at: new Date().toISOString() }],
    });
    const next = await held.enqueue({ to: { phone } });
    expect((await readOutbox(kit.db, held.session_id, [next.message.id]))[0]?.is_new_conversation).toBe(false);
    // Who wrote first is no stranger.
    const friend = newPhone();
    await held.commit({ inbound: [inboundText(friend, 'HELLO')] });
    const answer = await held.enqueue({ to: { phone: friend } });
    expect((await readOutbox(kit.db, held.session_id, [answer.message.id]))[0]?.is_new_conversation).toBe(false);
  });

  it('loses no message when two rows turn out to be one person meanwhile', async () => {
    const held = await kit.hold();
    for (let n = 0; n < 12; n++) {
      const phone = newPhone();
      const lid = `7${phone}`;
      await held.commit({
        inbound: [inboundText(phone, 'A'), inboundText(phone, 'B', { chat: { kind: 'person', lid }, sender: { lid } })],
      });
      const [sent] = await Promise.all([
        enqueueMessage(kit.db, held, {
          id: randomUUID(),
          message_id: `3EB0${n}`,
          idempotency_key: `k${n}`,
          request_hash: 'h',
          to: { lid },
          content: { type: 'text', text: 'x' },
          reply_to: null,
          requested_by: null,
          request_id: null,
          traceparent: null,
          queue_limit: 100,
        }),
        held.commit({
          inbound: [inboundText(phone, 'C', { chat: { kind: 'person', phone, lid }, sender: { phone, lid } })],
        }),
      ]);
      const [row] = await readOutbox(kit.db, held.session_id, [sent.message.id]);
      expect(row).toMatchObject({ phone, lid });
    }
  });
});

describe('files that nobody sends', () => {
  it('are so many of a session; the next one is announced when one of them is sent', async () => {
    const held = await kit.hold();
    const ids = await Promise.all(Array.from({ length: 200 }, () => upload(held)));
    expect((await refused(upload(held))).code).toBe('whatsapp.too_many_uploads');
    await upload(session);
    await held.enqueue({ content: { type: 'image', media_id: ids[0] } });
    await upload(held);
  });
});
