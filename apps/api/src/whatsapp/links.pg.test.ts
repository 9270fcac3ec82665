import { randomInt, randomUUID } from 'node:crypto';
import { addMember, seedUser, seedWorkspace, type SeededWorkspace } from '@potentia/db/testing/seed';
import { seedSession, seedWorker, somePhone, type SeededSession } from '@potentia/db/testing/seed-whatsapp';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import type { WhatsappContact, WhatsappMessage } from '@potentia/domain/whatsapp/schemas';
import { batchOf, inboundEvent } from '@potentia/domain/whatsapp/testing/worker-events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type Person, person, startApi, type TestApi } from '../testing/api.ts';
import { tellApi } from '../testing/worker-webhook.ts';

const LINKS = '/api/v1/whatsapp/links';

let backends: Backends;
let api: TestApi;
/** The session to which anybody may link. */
let open: Scene;
beforeAll(async () => {
  backends = await startBackends();
  open = await setUp();
  api = await startApi(backends, { WHATSAPP_PARTNER_SESSION_ID: open.session.session_id });
});
afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  await backends?.[Symbol.asyncDispose]();
});

interface Scene {
  workspace: SeededWorkspace;
  worker_id: string;
  session: SeededSession;
}
async function setUp(): Promise<Scene> {
  const workspace = await seedWorkspace(backends.database.db);
  const { worker_id } = await seedWorker(backends.database);
  const session = await seedSession(backends.database, workspace, { worker_id });
  const text = 'update app.whatsapp_sessions set unlinked_reply = $2 where id = $1';
  await backends.database.asOwner(text, [session.session_id, 'Who are you?']);
  return { workspace, worker_id, session };
}

const tokenOf = ({ user_id }: { user_id: string }): Promise<Person> => person(backends.issuer, { sub: user_id });
const member = async ({ workspace }: Scene, role: 'admin' | 'member' | 'guest' = 'member') =>
  tokenOf({ ...(await addMember(backends.database.db, workspace, role)) }).then(withId);
const stranger = async () => withId(await tokenOf(await seedUser(backends.database.db)));
/** `person` makes an id of its own beside the token's. */
const withId = (who: Person): Person => {
  const claims = JSON.parse(Buffer.from(who.token.split('.')[1] ?? '', 'base64url').toString()) as { sub: string };
  return { ...who, user_id: claims.sub };
};

const ask = (who: Person, body: object = {}): Promise<Answer> => api.call(who, 'POST', LINKS, body);
const codeFor = async (who: Person, { session }: Scene): Promise<string> => {
  const { status, body } = await ask(who, { session_id: session.session_id });
  expect(status).toBe(201);
  return body.code;
};
const linksOf = async (who: Person): Promise<{ id: string; phone: string; lid: string }[]> =>
  (await api.call(who, 'GET', LINKS)).body.items;

/** A phone that writes to a session. */
interface Phone {
  contact: WhatsappContact;
  chat_id: string;
}
const newPhone = (overrides: Partial<WhatsappContact> = {}): Phone => ({
  chat_id: randomUUID(),
  contact: {
    ...{ contact_id: randomUUID(), lid: String(randomInt(1e12)), phone: somePhone(), name: 'Ana' },
    ...{ is_business: false, is_on_whatsapp: true },
    ...overrides,
  },
});
const write = async (
  { session, worker_id }: Scene,
  { contact, chat_id }: Phone,
  text: string,
  message: Partial<WhatsappMessage> = {},
): Promise<void> => {
  const chat = { chat_id, kind: 'person' as const, contact, group_id: null, subject: null };
  const event = inboundEvent(session, text, { message: { chat, sender: contact, ...message } });
  expect((await tellApi(api, 'message-inbound', batchOf(worker_id, [event]))).status).toBe(200);
};

/** What became of what was written to a session, in its order: lines to be said, and turns. */
const outcomes = async ({ session }: Scene): Promise<string[]> => {
  const rows = await backends.database.asOwner<{ topic: string; line: string | null; user_id: string | null }>(
    `select topic, payload ->> 'line' as line, payload ->> 'user_id' as user_id from app.outbox
     where topic in ('whatsapp.say', 'whatsapp.turn') and payload ->> 'session_id' = $1 order by id`,
    [session.session_id],
  );
  return rows.map(({ topic, line }) => line ?? topic.split('.')[1] ?? '');
};
const turnsOf = ({ session }: Scene) =>
  backends.database.asOwner<{ user_id: string; content: string | null; status: string }>(
    'select user_id, content, status from app.whatsapp_turns where session_id = $1 order by created_at, id',
    [session.session_id],
  );

describe('a code', () => {
  it('links the phone that writes it to the person, for whom it speaks from then on', async () => {
    const scene = await setUp();
    const me = await member(scene);
    const { body } = await ask(me, { session_id: scene.session.session_id });
    expect(body.code).toMatch(/^[A-HJ-NP-Z2-9]{5}-[A-HJ-NP-Z2-9]{5}$/);
    expect(Date.parse(body.expires_at) - Date.now()).toBeGreaterThan(590_000);
    expect(body.text).toContain(body.code);
    expect(body.url).toBe(`https://wa.me/${body.session.phone}?text=${encodeURIComponent(body.text)}`);

    const phone = newPhone();
    await write(scene, phone, body.text);
    await write(scene, phone, 'ingatkan aku besok jam 9 rapat');
    expect(await outcomes(scene)).toEqual(['linked', 'turn']);
    expect(await linksOf(me)).toMatchObject([
      { phone: phone.contact.phone, lid: phone.contact.lid, session: { id: scene.session.session_id } },
    ]);
    expect(await turnsOf(scene)).toMatchObject([
      { user_id: me.user_id, status: 'answered', content: null },
      { user_id: me.user_id, status: 'pending', content: 'ingatkan aku besok jam 9 rapat' },
    ]);
  });

  it.each([
    ['in lower case and without its dash', (code: string) => `halo, kode saya ${code.toLowerCase().replace('-', '')}.`],
    ['with a blank for its dash', (code: string) => code.replace('-', ' ')],
  ])('is found %s', async (_how, textOf) => {
    const scene = await setUp();
    const me = await member(scene);
    await write(scene, newPhone(), textOf(await codeFor(me, scene)));
    expect(await linksOf(me)).toHaveLength(1);
  });

  it('counts once, and from the first phone that writes it', async () => {
    const scene = await setUp();
    const me = await member(scene);
    const code = await codeFor(me, scene);
    const [first, second] = [newPhone(), newPhone()];
    await write(scene, first, code);
    await write(scene, second, code);
    await write(scene, second, 'read me my calendar');
    expect(await outcomes(scene)).toEqual(['linked', 'unlinked']);
    expect(await linksOf(me)).toMatchObject([{ phone: first.contact.phone }]);
  });

  it('that many phones write at once links one of them', async () => {
    const scene = await setUp();
    const me = await member(scene);
    const code = await codeFor(me, scene);
    await Promise.all(Array.from({ length: 6 }, () => write(scene, newPhone(), code)));
    expect((await outcomes(scene)).filter((outcome) => outcome === 'linked')).toHaveLength(1);
    expect(await linksOf(me)).toHaveLength(1);
  });

  it('that is expired, replaced by another, or of another session links nobody', async () => {
    const [scene, other] = [await setUp(), await setUp()];
    const me = await member(scene);
    const replaced = await codeFor(me, scene);
    const expired = await codeFor(me, scene);
    await backends.database.asOwner(`update app.whatsapp_link_codes set expires_at = now() where user_id = $1`, [
      me.user_id,
    ]);
    const theirs = await codeFor(await member(other), other);
    const phone = newPhone();
    for (const code of [replaced, expired, theirs]) await write(scene, phone, code);
    expect(await outcomes(scene)).toEqual(['unlinked']);
    expect(await linksOf(me)).toEqual([]);
  });

  it('of somebody who has left the workspace meanwhile links nobody', async () => {
    const scene = await setUp();
    const me = await member(scene);
    const code = await codeFor(me, scene);
    await leave(scene, me);
    await write(scene, newPhone(), code);
    expect(await outcomes(scene)).toEqual(['unlinked']);
  });

  it('cannot be found by trying: after five texts that look like one a phone is not listened to', async () => {
    const scene = await setUp();
    const me = await member(scene);
    const code = await codeFor(me, scene);
    const [guesser, mine] = [newPhone(), newPhone()];
    for (let n = 0; n < 5; n += 1) await write(scene, guesser, `ABCD${n + 2}-FGH2${n + 2}`);
    await write(scene, guesser, code);
    expect(await linksOf(me)).toEqual([]);
    await write(scene, mine, code);
    expect(await linksOf(me)).toHaveLength(1);
  });

  it('moves a phone to another person, and a person to another phone', async () => {
    const scene = await setUp();
    const [me, you] = [await member(scene), await member(scene)];
    const [first, second] = [newPhone(), newPhone()];
    await write(scene, first, await codeFor(me, scene));
    await write(scene, first, await codeFor(you, scene));
    expect([await linksOf(me), await linksOf(you)]).toMatchObject([[], [{ phone: first.contact.phone }]]);
    const ended = `select 1 from app.audit_logs where actor_user_id = $1 and action = 'whatsapp_link.delete'`;
    expect(await backends.database.asOwner(ended, [me.user_id])).toHaveLength(1);
    await write(scene, second, await codeFor(you, scene));
    expect(await linksOf(you)).toMatchObject([{ phone: second.contact.phone }]);
  });

  it('and a link are audited for the person alone, without the code, and stand nowhere in clear', async () => {
    const scene = await setUp();
    const me = await member(scene);
    const code = await codeFor(me, scene);
    await write(scene, newPhone(), code);
    const [link] = await linksOf(me);
    expect((await api.call(me, 'DELETE', `${LINKS}/${link?.id}`)).status).toBe(204);
    const rows = await backends.database.asOwner<{ action: string; is_personal: boolean }>(
      `select a.action, w.is_personal from app.audit_logs a join app.workspaces w on w.id = a.workspace_id
       where a.actor_user_id = $1 and a.action like 'whatsapp%' order by a.created_at, a.id`,
      [me.user_id],
    );
    expect(rows.map(({ action }) => action)).toEqual([
      'whatsapp_link_code.create',
      'whatsapp_link.create',
      'whatsapp_link.delete',
    ]);
    expect(rows.every(({ is_personal }) => is_personal)).toBe(true);
    for (const table of [
      'audit_logs',
      'outbox',
      'whatsapp_link_codes',
      'whatsapp_links',
      'whatsapp_turns',
      'idempotency_keys',
    ]) {
      // What the customer is told of a message holds its text, as they ask for.
      const text = `select 1 from app.${table} t where t::text like '%' || $1 || '%' and t::text not like '%whatsapp.message%'`;
      expect(await backends.database.asOwner(text, [code]), table).toEqual([]);
    }
  });
});

const leave = ({ workspace }: Scene, { user_id }: { user_id: string }) =>
  backends.database.asOwner('delete from app.workspace_members where workspace_id = $1 and user_id = $2', [
    workspace.workspace_id,
    user_id,
  ]);

describe('who may link', () => {
  it('is a member of the workspace: to guests and strangers there is no such session', async () => {
    const scene = await setUp();
    const { session_id } = scene.session;
    const guest = await ask(await member(scene, 'guest'), { session_id });
    const nobody = await ask(await stranger(), { session_id });
    const nothing = await ask(await stranger(), { session_id: randomUUID() });
    for (const { status, body } of [guest, nobody, nothing])
      expect([status, body.code, body.detail]).toEqual([404, 'whatsapp.session_not_found', nothing.body.detail]);
  });

  it('is everybody, with the session that is there for them, which is meant when none is named', async () => {
    const me = await stranger();
    const { status, body } = await ask(me);
    expect([status, body.session.id]).toEqual([201, open.session.session_id]);
    await write(open, newPhone(), body.text);
    expect(await linksOf(me)).toHaveLength(1);
  });

  it('is no API key, and nobody without a token', async () => {
    const scene = await setUp();
    const owner = withId(await tokenOf({ user_id: scene.workspace.owner_user_id }));
    const body = { name: 'key', scopes: ['whatsapp:write', 'workspace:admin'] };
    const made = await api.call(owner, 'POST', `/api/v1/workspaces/${scene.workspace.workspace_id}/api-keys`, body);
    const key = { user_id: '', email: '', token: made.body.key };
    const { status, body: problem } = await ask(key, { session_id: scene.session.session_id });
    expect([status, problem.code]).toEqual([403, 'api_key.scope_missing']);
    expect((await api.call(null, 'POST', LINKS, {})).status).toBe(401);
  });

  it('needs to say which session where it is not clear, and one that has a number', async () => {
    await using other = await startApi(backends);
    const scene = await setUp();
    const me = await member(scene);
    const only = await other.call(me, 'POST', LINKS, {});
    expect([only.status, only.body.session.id]).toEqual([201, scene.session.session_id]);
    const { session_id } = await seedSession(backends.database, scene.workspace);
    expect((await other.call(me, 'POST', LINKS, {})).body).toMatchObject({
      code: 'request.invalid',
      errors: [{ pointer: '/session_id' }],
    });
    await backends.database.asOwner('update app.whatsapp_sessions set phone = null where id = $1', [session_id]);
    expect((await ask(me, { session_id })).body).toMatchObject({ status: 409, code: 'whatsapp.not_connected' });
    expect((await ask(me, { session_id, other: 1 })).status).toBe(400);
  });
});

describe('a link', () => {
  async function linked(scene?: Scene) {
    const where = scene ?? (await setUp());
    const [me, phone] = [await member(where), newPhone()];
    await write(where, phone, await codeFor(me, where));
    return { scene: where, me, phone };
  }

  it('is its person’s alone to see and to end; what was not answered then never is', async () => {
    const { scene, me, phone } = await linked();
    await write(scene, phone, 'an order');
    const [link] = await linksOf(me);
    const you = await member(scene);
    expect(await linksOf(you)).toEqual([]);
    const refused = await api.call(you, 'DELETE', `${LINKS}/${link?.id}`);
    expect([refused.status, refused.body.code]).toEqual([404, 'whatsapp.link_not_found']);
    expect((await api.call(me, 'DELETE', `${LINKS}/${link?.id}`)).status).toBe(204);
    expect(await turnsOf(scene)).toMatchObject([{ status: 'answered' }, { status: 'failed', content: null }]);
    await write(scene, phone, 'and another');
    expect(await outcomes(scene)).toEqual(['linked', 'turn', 'unlinked']);
  });

  it('ends with the membership, and does not come back with another one', async () => {
    const { scene, me, phone } = await linked();
    await leave(scene, me);
    expect(await linksOf(me)).toEqual([]);
    await write(scene, phone, 'still there?');
    expect(await outcomes(scene)).toEqual(['linked', 'unlinked']);
    await addMember(backends.database.db, scene.workspace, 'member', me);
    await write(scene, phone, 'and now?');
    expect(await turnsOf(scene)).toHaveLength(1);
  });

  it('ends when its person becomes a guest', async () => {
    const { scene, me, phone } = await linked();
    await addMember(backends.database.db, scene.workspace, 'guest', me);
    await write(scene, phone, 'still there?');
    expect(await outcomes(scene)).toEqual(['linked', 'unlinked']);
  });

  it('to the session for everybody outlives a membership that it never needed', async () => {
    const me = await stranger();
    const phone = newPhone();
    await write(open, phone, await codeFor(me, open));
    const before = (await turnsOf(open)).length;
    await write(open, phone, 'hello');
    expect(await turnsOf(open)).toHaveLength(before + 1);
  });

  it('follows its contact, by whichever id WhatsApp knows it then', async () => {
    const scene = await setUp();
    const me = await member(scene);
    const by_phone = newPhone({ lid: null });
    await write(scene, by_phone, await codeFor(me, scene));
    const lid = String(randomInt(1e12));
    const merged = { chat_id: randomUUID(), contact: { ...by_phone.contact, lid, contact_id: randomUUID() } };
    await write(scene, merged, 'one');
    const by_lid = { chat_id: randomUUID(), contact: { ...merged.contact, phone: null, contact_id: randomUUID() } };
    await write(scene, by_lid, 'two');
    expect(await outcomes(scene)).toEqual(['linked', 'turn', 'turn']);
    expect(await linksOf(me)).toMatchObject([{ lid, phone: by_phone.contact.phone }]);
  });

  it('is not had by whoever gets the number later, or names an id of its contact', async () => {
    const { scene, me, phone } = await linked();
    const { contact_id, phone: number, lid } = phone.contact;
    const others = [
      newPhone({ phone: number }),
      newPhone({ contact_id }),
      newPhone({ contact_id, phone: number, lid: String(randomInt(1e12)) }),
      newPhone({ lid: null }),
    ];
    for (const other of others) await write(scene, other, 'what is on my calendar?');
    // The contact of the chat and who speaks there are one.
    await write(scene, { ...phone, chat_id: randomUUID() }, 'forged', { sender: newPhone().contact });
    await write(scene, newPhone(), 'forged', { sender: phone.contact });
    expect((await turnsOf(scene)).filter(({ status }) => status === 'pending')).toEqual([]);
    await write(scene, phone, 'it is me');
    expect((await turnsOf(scene)).filter(({ status }) => status === 'pending')).toMatchObject([
      { user_id: me.user_id },
    ]);
    expect(await linksOf(me)).toMatchObject([{ lid }]);
  });

  it('of one session is none of another', async () => {
    const { phone, me } = await linked();
    const other = await setUp();
    await addMember(backends.database.db, other.workspace, 'member', me);
    await write(other, phone, 'hello');
    expect(await outcomes(other)).toEqual(['unlinked']);
  });
});

describe('what is written', () => {
  const linkedScene = async () => {
    const scene = await setUp();
    const [me, phone] = [await member(scene), newPhone()];
    await write(scene, phone, await codeFor(me, scene));
    return { scene, me, phone };
  };

  it('in a group, by ourselves, as a reaction, or unreadable is nobody’s turn', async () => {
    const { scene, phone } = await linkedScene();
    const group = { chat_id: randomUUID(), kind: 'group' as const, contact: null, group_id: '120363000', subject: 'x' };
    await write(scene, phone, 'one', { chat: group });
    await write(scene, phone, 'two', { chat: { ...group, kind: 'broadcast' } });
    await write(scene, phone, 'three', { direction: 'out' });
    await write(scene, phone, 'four', { type: 'reaction', content: { emoji: '👍' } });
    await write(scene, phone, 'five', { type: 'undecryptable', content: {} });
    await write(scene, phone, 'six', { deleted_at: '2026-03-02T09:00:00.000Z' });
    expect(await outcomes(scene)).toEqual(['linked']);
  });

  it('below a picture is a turn; without words it is said, once a day, that only text is read', async () => {
    const { scene, phone } = await linkedScene();
    await write(scene, phone, '', { type: 'image', content: { caption: 'what is this?' } });
    await write(scene, phone, '', { type: 'voice', content: {} });
    await write(scene, phone, '', { type: 'image', content: {} });
    await write(scene, phone, ' \n ');
    expect(await outcomes(scene)).toEqual(['linked', 'turn', 'text_only']);
    await backends.database.asOwner(
      `update app.whatsapp_links set text_only_at = now() - interval '25 hours' where session_id = $1`,
      [scene.session.session_id],
    );
    await write(scene, phone, '', { type: 'sticker', content: {} });
    expect((await outcomes(scene)).at(-1)).toBe('text_only');
  });

  it('at a length that no turn takes is told so', async () => {
    const { scene, phone } = await linkedScene();
    await write(scene, phone, 'x'.repeat(32_001));
    expect(await outcomes(scene)).toEqual(['linked', 'too_long']);
    expect((await turnsOf(scene)).at(-1)).toMatchObject({ status: 'failed', content: null });
  });

  it('by somebody unlinked is answered once ever, or never where the session says nothing', async () => {
    const scene = await setUp();
    const phone = newPhone();
    for (const text of ['hello', 'hello?', 'anybody?']) await write(scene, phone, text);
    expect(await outcomes(scene)).toEqual(['unlinked']);
    const silent = await setUp();
    await backends.database.asOwner('update app.whatsapp_sessions set unlinked_reply = null where id = $1', [
      silent.session.session_id,
    ]);
    await write(silent, phone, 'hello');
    expect(await outcomes(silent)).toEqual([]);
  });

  it('by somebody unlinked is answered as the card says, and a card that says nothing answers nobody', async () => {
    const me = await stranger();
    const make = async (body: object): Promise<string | null> =>
      (await api.call(me, 'POST', '/api/v1/whatsapp/sessions', { name: 'Partner', ...body })).body.unlinked_reply;
    expect(await make({})).toBeNull();
    expect(await make({ unlinked_reply: 'Write to us' })).toBe('Write to us');
  });

  it('before the link is not history of it', async () => {
    const scene = await setUp();
    const [me, phone] = [await member(scene), newPhone()];
    await write(scene, phone, 'before');
    await write(scene, phone, await codeFor(me, scene));
    expect(await outcomes(scene)).toEqual(['unlinked', 'linked']);
  });
});
