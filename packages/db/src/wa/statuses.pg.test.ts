import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HeldLease, inboundText, newPhone, type OutboxKit, startOutboxKit } from './testing/outbox-kit.ts';

let kit: OutboxKit;
let session: HeldLease;
beforeAll(async () => {
  kit = await startOutboxKit();
  session = await kit.hold();
});
afterAll(() => kit[Symbol.asyncDispose]());

const order = ['queued', 'sent', 'failed', 'acked', 'delivered', 'read'];
const at = '2026-05-01T10:00:00.125Z';

async function look(id: string): Promise<Record<string, unknown>> {
  const text = 'select wa.message_json(m) as message from wa.messages m where m.id = $1';
  const [row] = await kit.t.asOwner<{ message: Record<string, unknown> }>(text, [id]);
  return row!.message;
}

const statusEvents = async (message_id: string): Promise<Record<string, unknown>[]> =>
  (await kit.events(session.session_id))
    .filter(({ kind, payload }) => kind === 'message-status' && payload['message_id'] === message_id)
    .map(({ payload }) => payload);

describe('how far a message is', () => {
  it('is the highest that was ever said, in whichever order, how often, and in whichever groups', async () => {
    const said = fc.constantFrom('sent', 'failed', 'acked', 'delivered', 'read', 'played');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(said, fc.boolean()), { minLength: 1, maxLength: 8 }), async (steps) => {
        const { message } = await session.enqueue();
        const { message_id } = message;
        const group: object[] = [];
        for (const [status, is_committed] of steps) {
          group.push({ message_id, status, at, ...(status === 'failed' && { error_code: 'whatsapp.refused_479' }) });
          if (is_committed) await session.commit({ statuses: group.splice(0) });
        }
        if (group.length > 0) await session.commit({ statuses: group });
        const reached = Math.max(...steps.map(([s]) => order.indexOf(s === 'played' ? 'read' : s)));
        const shown = await look(message.id);
        expect(shown['status']).toBe(order[reached]);
        expect(shown['error_code']).toBe(order[reached] === 'failed' ? 'whatsapp.refused_479' : null);
        // Each time that something is reached has its time, and no other has.
        expect(['acked_at', 'delivered_at', 'read_at'].map((key) => shown[key] !== null)).toEqual(
          [3, 4, 5].map((rank) => reached >= rank),
        );
        // The API is told of each step up, and of nothing else.
        const told = (await statusEvents(message_id)).map(({ status }) => order.indexOf(String(status)));
        expect(told.at(-1)).toBe(reached);
        expect(told).toEqual([...new Set(told)].sort((a, b) => a - b));
      }),
      { numRuns: 60 },
    );
  });

  it('is told to the API with everything by which it knows the message', async () => {
    const phone = newPhone();
    const requested_by = '0191f0c0-0000-7000-8000-00000000000a';
    const { message } = await session.enqueue({ to: { phone }, requested_by, request_id: 'call 1' });
    await session.commit({ statuses: [{ message_id: message.message_id, status: 'acked', at }] });
    expect(await statusEvents(message.message_id)).toEqual([
      {
        session_id: session.session_id,
        generation: 1,
        id: message.id,
        message_id: message.message_id,
        chat: (await look(message.id))['chat'],
        status: 'acked',
        error_code: null,
        media: null,
        requested_by,
        request_id: 'call 1',
        at,
      },
    ]);
  });

  it('counts what the server took, once', async () => {
    const held = await kit.hold();
    const { message } = await held.enqueue();
    const { message_id } = message;
    await held.commit({ statuses: [{ message_id, status: 'sent', at }] });
    const usage = () => kit.t.asOwner('select sent from wa.usage where session_id = $1', [held.session_id]);
    expect(await usage()).toEqual([]);
    for (const status of ['acked', 'acked', 'delivered', 'read'])
      await held.commit({ statuses: [{ message_id, status, at }] });
    expect(await usage()).toEqual([{ sent: '1' }]);
  });

  it('is not changed by what is said of messages that are not known, of another session, or that came in', async () => {
    const other = await kit.hold();
    const { message } = await other.enqueue();
    const phone = newPhone();
    await session.commit({ inbound: [inboundText(phone, 'CAME')] });
    const statuses = ['UNKNOWN', message.message_id, 'CAME'].map((message_id) => ({ message_id, status: 'read', at }));
    expect(await session.commit({ statuses })).toMatchObject({ statuses: [] });
    expect((await look(message.id))['status']).toBe('queued');
  });
});

describe('in a group', () => {
  const group_id = '120363040000000777';
  const everybody = async (held: HeldLease, phones: string[]) => {
    const { message, chat_id } = await held.enqueue({ to: { group_id } });
    const participants = [];
    for (const phone of phones) {
      const text = 'select wa.resolve_contact($1, null, $2) as contact_id';
      const [row] = await kit.t.asOwner<{ contact_id: string }>(text, [held.session_id, phone]);
      participants.push({ contact_id: row?.contact_id, role: 'member' });
    }
    await kit.t.asOwner('update wa.chats set participants = $2::text::jsonb where id = $1', [
      chat_id,
      JSON.stringify(participants),
    ]);
    await kit.t.asOwner('update wa.sessions set phone = $2 where session_id = $1', [held.session_id, phones[0]]);
    return message;
  };

  it('it is delivered, and read, when all others have it, each of whom counts once', async () => {
    const held = await kit.hold();
    const [own, ada, bob] = [newPhone(), newPhone(), newPhone()];
    const message = await everybody(held, [own, ada, bob]);
    const say = async (phone: string, status: string) => {
      await held.commit({ statuses: [{ message_id: message.message_id, status, at, participant: { phone } }] });
      return (await look(message.id))['status'];
    };
    expect(await say(ada, 'delivered')).toBe('acked');
    expect(await say(ada, 'read')).toBe('acked');
    expect(await say(ada, 'delivered')).toBe('acked');
    expect(await say(bob, 'delivered')).toBe('delivered');
    expect(await say(bob, 'played')).toBe('read');
    const receipts = await kit.t.asOwner(
      `select c.phone, r.status from wa.message_receipts r join wa.contacts c on c.id = r.contact_id where r.session_id = $1 order by 1`,
      [held.session_id],
    );
    expect(receipts).toEqual([
      { phone: ada, status: 'read' },
      { phone: bob, status: 'played' },
    ]);
  });

  it('one speaks for all as long as nobody knows who is in it; whoever is not known at all counts for the server', async () => {
    const held = await kit.hold();
    const { message } = await held.enqueue({ to: { group_id } });
    const { message_id } = message;
    await held.commit({ statuses: [{ message_id, status: 'delivered', at, participant: { lid: 'not a number' } }] });
    expect((await look(message.id))['status']).toBe('acked');
    await held.commit({ statuses: [{ message_id, status: 'delivered', at, participant: { lid: '123' } }] });
    expect((await look(message.id))['status']).toBe('delivered');
  });
});
