import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { startSendingWorker, startSession } from '../testing/outbound.ts';
import { startWorkerWorld, untilReconnected } from '../testing/worker.ts';

const world = await startWorkerWorld();
const worker = await startSendingWorker(world, { timings: { resend_ms: 1_000, restricted_ms: 86_400_000 } });
afterAll(async () => {
  await worker.stop();
  await world[Symbol.asyncDispose]();
});

const { faults } = world.whatsapp;
const newPhone = () => world.whatsapp.addPhone();
const someone = () => {
  const phone = newPhone();
  return { phone, to: { phone: phone.number } };
};

describe('order', () => {
  it('is that of the calls in each chat, however many are written to at once', async () => {
    const session = await startSession(world, worker);
    const people = Array.from({ length: 5 }, someone);
    const texts = Array.from({ length: 12 }, (_, n) => `Number ${n}`);
    for (const text of texts) await Promise.all(people.map(({ to }) => session.sent(to, text)));
    for (const { phone } of people) {
      await phone.waitFor(({ text }) => text === texts.at(-1));
      expect(phone.inbox().map(({ text, stanzas }) => [text, stanzas])).toEqual(texts.map((text) => [text, 1]));
    }
  });

  it('is kept, and nothing is doubled, when the connection is lost again and again', async () => {
    const session = await startSession(world, worker);
    const { phone, to } = someone();
    await session.sent(to, 'First');
    await phone.waitFor(({ text }) => text === 'First');
    const texts = Array.from({ length: 30 }, (_, n) => `Number ${n}`);
    for (const [n, text] of texts.entries()) {
      await session.sent(to, text);
      if (n % 10 === 5) faults.dropAfterReceive(session.phone.number, 1);
    }
    await phone.waitFor(({ text }) => text === texts.at(-1), 20_000);
    expect(phone.inbox().map(({ text }) => text)).toEqual(['First', ...texts]);
    expect(phone.undecryptable()).toEqual([]);
  });
});

describe('a message that the server took without saying so', () => {
  it('goes again under its id after the connection is cut, and the phone shows it once', async () => {
    const session = await startSession(world, worker);
    const { phone, to } = someone();
    const { sock } = session.held();
    faults.dropAfterReceive(session.phone.number, 1);
    faults.holdReceipts(session.phone.number, true);
    const sent = await session.sent(to, { type: 'poll', question: 'Once?', options: ['Yes', 'No'] });
    const shown = await phone.waitFor(({ text }) => text === 'Once?');
    await untilReconnected(worker, session.session_id, sock);
    await session.until(sent.id, 'acked');
    expect(await phone.waitFor(({ id, stanzas }) => id === shown.id && stanzas === 2)).toMatchObject({
      id: sent.message_id,
    });
    expect(phone.inbox()).toHaveLength(1);
    faults.holdReceipts(session.phone.number, false);
    await session.until(sent.id, 'delivered');
    // It is the same poll: votes can be read by whoever saw either of the two.
    await phone.send(session.phone.number, { kind: 'poll_vote', id: sent.message_id, options: ['Yes'] });
    const voted = await session.phone.waitFor(({ id, votes }) => id === sent.message_id && votes.length > 0);
    expect(voted.votes[0]?.options).toEqual(['Yes']);
  });

  it('goes again on an open connection, when the acknowledgement is lost', async () => {
    const session = await startSession(world, worker);
    const { phone, to } = someone();
    phone.settings.auto_delivery = false;
    faults.dropAcks(session.phone.number, 1);
    const { sock } = session.held();
    const sent = await session.sent(to, 'Heard?');
    await session.until(sent.id, 'acked');
    expect(session.held().sock).toBe(sock);
    expect(phone.inbox()).toMatchObject([{ text: 'Heard?', stanzas: 2 }]);
  });

  it('need not go again when its receipt came while the session was away', async () => {
    const session = await startSession(world, worker);
    const { phone, to } = someone();
    const { sock } = session.held();
    faults.dropAfterReceive(session.phone.number, 1);
    const sent = await session.sent(to, 'Delivered meanwhile');
    await phone.waitFor(({ text }) => text === 'Delivered meanwhile');
    await untilReconnected(worker, session.session_id, sock);
    await session.until(sent.id, 'delivered');
    const after = await session.sent(to, 'Next');
    await session.until(after.id, 'delivered');
    expect(phone.inbox().map(({ stanzas }) => stanzas)).toEqual([1, 1]);
  });
});

describe('what WhatsApp refuses', () => {
  it('fails with its code, and what follows goes', async () => {
    const session = await startSession(world, worker);
    const { phone, to } = someone();
    faults.ackError(session.phone.number, '479');
    const refused = await session.sent(to, 'Refused');
    await session.sent(to, 'Taken');
    await phone.waitFor(({ text }) => text === 'Taken');
    expect(await session.until(refused.id, 'failed')).toMatchObject({
      error_code: 'whatsapp.refused_479',
      acked_at: null,
    });
    expect(phone.inbox()).toHaveLength(1);
  });

  it('of new conversations (463) holds them back, says so, and lets warm ones go on', async () => {
    const session = await startSession(world, worker);
    const friend = newPhone();
    const { id } = await friend.send(session.phone.number, 'Hi, shop');
    await session.received(id);
    faults.ackError(session.phone.number, '463');
    const first = await session.sent({ phone: newPhone().number }, 'Who are you?');
    await session.until(first.id, 'failed', 'whatsapp.restricted');
    const stranger = newPhone();
    const cold = await session.sent({ phone: stranger.number }, 'And you?');
    await session.sent({ phone: friend.number }, 'Hi, friend');
    await friend.waitFor(({ text }) => text === 'Hi, friend');
    await vi.waitFor(async () => expect((await session.read(cold.id)).hold?.reason).toBe('restricted'));
    const held = await session.read(cold.id);
    expect(Date.parse(held.hold?.until ?? '')).toBeGreaterThan(Date.now() + 80_000_000);
    expect(stranger.inbox()).toEqual([]);
    const status = await world.row(session.session_id);
    expect(status).toMatchObject({ status: 'connected', status_reason: 'restricted' });
    // Who writes first is not new any more.
    const { id: wrote } = await stranger.send(session.phone.number, 'It is me');
    await session.received(wrote);
    await stranger.waitFor(({ text }) => text === 'And you?');
  });

  it('in asking for keys or devices is tried again, and only in the end given up', async () => {
    const session = await startSession(world, worker);
    const { phone, to } = someone();
    faults.refuseKeys(session.phone.number, 1);
    await session.sent(to, 'In the end');
    await phone.waitFor(({ text }) => text === 'In the end');
    const other = someone();
    faults.refuseKeys(session.phone.number, true);
    const failed = await session.sent(other.to, 'Never');
    await session.until(failed.id, 'failed', 'whatsapp.unsendable');
    faults.refuseKeys(session.phone.number, false);
    await session.sent(other.to, 'Later');
    await other.phone.waitFor(({ text }) => text === 'Later');
    expect(other.phone.inbox()).toHaveLength(1);
  });

  it('a number that nobody has gets nothing, and does not count as a conversation', async () => {
    const session = await startSession(world, worker);
    const nobody = '4915555550000';
    const sent = await session.sent({ phone: nobody }, 'Hello?');
    await session.until(sent.id, 'failed', 'whatsapp.not_on_whatsapp');
    expect(session.phone.inbox()).toEqual([]);
    const usage = await world.database.asOwner('select cold_sent from wa.usage where session_id = $1', [
      session.session_id,
    ]);
    expect(usage).toEqual([]);
    const { body } = await session.call('POST', '/contacts/check', { phones: [nobody, newPhone().number] });
    expect(body).toMatchObject({ items: [{ phone: nobody, is_on_whatsapp: false }, { is_on_whatsapp: true }] });
  });

  it('a group that it is not in', async () => {
    const session = await startSession(world, worker);
    const ada = newPhone();
    const { id } = ada.createGroup({ subject: 'Without you', members: [] });
    const unknown = await session.sent({ group_id: '1203630000000000' }, 'Hello?');
    const closed = await session.sent({ group_id: id.replace('@g.us', '') }, 'Hello?');
    await session.until(unknown.id, 'failed', 'whatsapp.group_not_found');
    await session.until(closed.id, 'failed', 'whatsapp.not_in_group');
  });
});

describe('a phone that cannot read a message', () => {
  it('asks for it and gets it, from what is kept', async () => {
    const session = await startSession(world, worker);
    const { phone, to } = someone();
    await session.sent(to, 'Readable');
    await phone.waitFor(({ text }) => text === 'Readable');
    faults.corruptSent(session.phone.number, 1);
    const sent = await session.sent(to, 'Garbled');
    expect(await phone.waitFor(({ text }) => text === 'Garbled')).toMatchObject({ id: sent.message_id });
    await session.until(sent.id, 'delivered');
  });
});

describe('first messages', () => {
  it('that cross are all read at once, at both ends', async () => {
    const session = await startSession(world, worker);
    const people = Array.from({ length: 20 }, newPhone);
    await Promise.all(
      people.flatMap((phone, n) => [
        session
          .sent({ phone: phone.number }, `To ${n}`)
          .then(() => session.sent({ phone: phone.number }, `Again to ${n}`)),
        phone.send(session.phone.number, `From ${n}`).then(() => phone.send(session.phone.number, `Again from ${n}`)),
      ]),
    );
    for (const [n, phone] of people.entries()) {
      await phone.waitFor(({ text }) => text === `Again to ${n}`);
      expect(phone.inbox().map(({ text }) => text)).toEqual([`To ${n}`, `Again to ${n}`]);
      expect(phone.undecryptable()).toEqual([]);
    }
    await vi.waitFor(
      async () => {
        const rows = await world.database.asOwner<{ type: string; n: string }>(
          `select type, count(*) as n from wa.messages where session_id = $1 and direction = 'in' group by 1`,
          [session.session_id],
        );
        expect(rows).toEqual([{ type: 'text', n: '40' }]);
      },
      { timeout: 10_000 },
    );
  }, 30_000);
});

describe('the same key', () => {
  it('is one message, whoever takes the call and however often', async () => {
    const session = await startSession(world, worker);
    const { phone, to } = someone();
    const key = randomUUID();
    const input = { to, content: { type: 'text', text: 'Once' } };
    const answers = await Promise.all(Array.from({ length: 5 }, () => session.send(input, key)));
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.message.message_id}`)).size).toBe(1);
    expect(answers.filter(({ body }) => body.is_new)).toHaveLength(1);
    const other = await session.send({ ...input, content: { type: 'text', text: 'Twice' } }, key);
    expect(other).toMatchObject({ status: 409, body: { code: 'whatsapp.key_reused' } });
    await phone.waitFor(({ text }) => text === 'Once');
    await session.until(answers[0]?.body.message.id ?? '', 'delivered');
    expect(phone.inbox()).toMatchObject([{ text: 'Once', stanzas: 1 }]);
  });
});
