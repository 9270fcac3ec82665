import { randomBytes } from 'node:crypto';
import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import { API_AUDIENCE, signServiceToken } from '@potentia/domain/platform/service-token';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Answer } from '../src/testing/api.ts';
import { type GatewayStack, START_MS, startGateway } from './gateway-stack.ts';
import { type Json, type Phone, request, type Session, Tenant } from './gateway-tenant.ts';

/* A session that is connected and in use, on the running system, and everybody who has no business with it. */

let stack: GatewayStack;
let tenant: Tenant;
let session: Session & { phone: Phone };
let hook: Awaited<ReturnType<Tenant['hook']>>;
/** What the session has: a message that came in, with a file, and its chat; and a file that was uploaded. */
let owned: { message_id: string; chat_id: string; media_id: string };
beforeAll(async () => {
  stack = await startGateway();
  tenant = await Tenant.start(stack);
  hook = await tenant.hook();
  session = await tenant.linked();
  const friend = stack.whatsapp.addPhone();
  const image = { kind: 'image', bytes: randomBytes(5_000), mime_type: 'image/jpeg' } as const;
  const { id: message_id } = await friend.send(session.phone.number, image);
  const { chat } = await session.message(message_id, ({ media }) => media.status === 'stored');
  const media_id = await session.upload('image', 'image/jpeg', randomBytes(1_000));
  owned = { message_id, chat_id: chat.chat_id as string, media_id };
}, START_MS);
afterAll(async () => {
  await tenant?.[Symbol.asyncDispose]();
  await stack?.[Symbol.asyncDispose]();
});
afterEach(async () => {
  // Whoever came, and however often: nothing has changed.
  expect(await session.ok('GET')).toMatchObject({
    status: 'connected',
    phone: session.phone.number,
    name: 'Front desk',
  });
  expect(session.phone.devices()).toMatchObject([{ is_connected: true }]);
  const { items } = await session.ok('GET', '/messages?direction=out');
  expect(items.filter((message: Json) => message.content.text === 'forged')).toEqual([]);
});

type Door = [method: string, path: string, body?: object];
const text = { type: 'text', text: 'forged' };
const readers = (): Door[] => [
  ['GET', ''],
  ['GET', '/messages'],
  ['GET', `/messages/${owned.message_id}`],
  ['GET', `/messages/${owned.message_id}/media`],
  ['GET', '/chats'],
  ['GET', '/contacts'],
  ['GET', '/groups'],
];
const writers = (): Door[] => [
  ['POST', '/messages', { to: { chat_id: owned.chat_id }, content: text }],
  ['POST', '/media', { kind: 'image', media_type: 'image/png', size: 10 }],
  ['POST', `/media/${owned.media_id}/complete`],
  ['POST', '/contacts/check', { phones: ['6281234567890'] }],
  ['POST', '/groups', { subject: 'forged', phones: ['6281234567890'] }],
  ['POST', '/read', { chat_id: owned.chat_id }],
  ['POST', '/typing', { to: { chat_id: owned.chat_id }, state: 'paused' }],
];
const managers = (): Door[] => [
  ['GET', '/qr'],
  ['POST', '/qr/page'],
  ['POST', '/pairing-code', { phone: '6281234567890' }],
  ['POST', '/connect', {}],
  ['POST', '/disconnect'],
  ['POST', '/migrate', {}],
  ['POST', '/restore'],
  ['PATCH', '', { name: 'forged' }],
  ['POST', '/logout'],
  ['DELETE', ''],
];
const all = (): Door[] => [...readers(), ...writers(), ...managers(), ['GET', '/events']];

const ask = (token: string | null, [method, path, body]: Door, of = session.path): Promise<Answer> =>
  request(stack.api.url, token, method, `/api/v1${of}${path}`, body);

/** How each of these doors answered, as `METHOD /path: status code`. */
async function tries(token: string | null, doors: Door[]): Promise<string[]> {
  const answers: string[] = [];
  for (const door of doors) {
    const { status, body } = await ask(token, door);
    answers.push(`${door[0]} ${door[1]}: ${status}${status < 300 ? '' : ` ${body.code as string}`}`);
  }
  return answers;
}
const refused = (doors: Door[], how: string): string[] => doors.map(([method, path]) => `${method} ${path}: ${how}`);

describe('a session', () => {
  const NOT_FOUND = '404 whatsapp.session_not_found';

  it('is not there for another tenant, a guest, a member who was removed, and a key of another workspace', async () => {
    await using other = await Tenant.start(stack);
    const gone = await tenant.colleague('admin');
    expect((await ask(gone.token, ['GET', ''])).status).toBe(200);
    await tenant.ok('DELETE', `/workspaces/${tenant.workspace_id}/members/${gone.user_id}`);
    const foreign_key = await other.key(['whatsapp:write', 'workspace:admin']);
    for (const token of [other.who.token, (await tenant.colleague('guest')).token, gone.token, foreign_key])
      expect(await tries(token, all())).toEqual(refused(all(), NOT_FOUND));
    expect((await other.ok('GET', '/whatsapp/sessions')).items).toEqual([]);
  });

  it('is read and written by members, and managed by admins alone', async () => {
    const member = await tenant.colleague('member');
    for (const answer of await tries(member.token, readers())) expect(answer).toMatch(/: 200$/);
    const [, ...harmless] = writers().filter(([, path]) => path !== '/groups');
    for (const answer of await tries(member.token, harmless)) expect(answer).toMatch(/: 20[0-4]$/);
    expect(await tries(member.token, managers())).toEqual(refused(managers(), '403 workspace.forbidden'));
    const admin = await tenant.colleague('admin');
    expect(await tries(admin.token, [['GET', '/qr']])).toEqual(['GET /qr: 409 whatsapp.no_qr']);
    const create = (token: string) =>
      request(stack.api.url, token, 'POST', '/api/v1/whatsapp/sessions', {
        workspace_id: tenant.workspace_id,
        name: 'x',
      });
    expect(await create(member.token)).toMatchObject({ status: 403, body: { code: 'workspace.forbidden' } });
  });

  it('opens to a key as far as its scopes go', async () => {
    const [without, reading, writing] = await Promise.all(
      [['canvas:write'], ['whatsapp:read'], ['whatsapp:write']].map((scopes) => tenant.key(scopes)),
    );
    const SHUT = '403 api_key.scope_missing';
    expect(await tries(without!, all())).toEqual(refused(all(), SHUT));
    for (const answer of await tries(reading!, readers())) expect(answer).toMatch(/: 200$/);
    expect(await tries(reading!, [...writers(), ...managers()])).toEqual(refused([...writers(), ...managers()], SHUT));
    for (const answer of await tries(writing!, readers())) expect(answer).toMatch(/: 200$/);
    expect(await tries(writing!, managers())).toEqual(refused(managers(), SHUT));
    const sent = await ask(writing!, [
      'POST',
      '/messages',
      { to: { chat_id: owned.chat_id }, content: { type: 'text', text: 'By key' } },
    ]);
    expect(sent.status).toBe(202);
  });

  it('is shut without a token, with one that is over, one that somebody else signed, and one of a service', async () => {
    const { sub, exp } = { sub: tenant.who.user_id, exp: Math.floor(Date.now() / 1_000) - 600 };
    const expired = await stack.backends.issuer.sign({ sub, exp, iat: exp - 3_600 });
    const [header, payload] = tenant.who.token.split('.') as [string, string];
    const forged = `${header}.${payload}.${randomBytes(64).toString('base64url')}`;
    const service = await signServiceToken([GATEWAY_SECRETS.SERVICE_JWT_SECRETS], {
      issuer: 'api',
      audience: API_AUDIENCE,
    });
    for (const token of [null, expired, forged, service])
      for (const answer of await tries(token, all())) expect(answer).toMatch(/: 401 auth\./);
  });

  it('lends nothing that it has to another session, of another tenant or the same', async () => {
    await using other = await Tenant.start(stack);
    for (const stranger of [await other.linked(), await tenant.linked()]) {
      const of = async (method: string, path: string, body?: object) => {
        const answer = await stranger.call(method, path, body);
        return `${answer.status} ${answer.body.code as string}`;
      };
      const to = { phone: session.phone.number };
      expect(await of('GET', `/messages/${owned.message_id}`)).toBe('404 whatsapp.message_not_found');
      expect(await of('GET', `/messages/${owned.message_id}/media`)).toBe('404 whatsapp.media_not_found');
      expect(await of('POST', `/media/${owned.media_id}/complete`)).toBe('404 whatsapp.media_not_found');
      expect(await of('POST', '/read', { chat_id: owned.chat_id })).toBe('404 whatsapp.chat_not_found');
      expect(await of('POST', '/messages', { to: { chat_id: owned.chat_id }, content: text })).toBe(
        '404 whatsapp.chat_not_found',
      );
      expect(await of('POST', '/messages', { to, content: { type: 'image', media_id: owned.media_id } })).toBe(
        '404 whatsapp.media_not_found',
      );
      for (const content of [
        { type: 'delete', message_id: owned.message_id },
        { type: 'edit', message_id: owned.message_id, text: 'forged' },
        { type: 'reaction', message_id: owned.message_id, emoji: '👎' },
      ])
        expect(await of('POST', '/messages', { to, content })).toBe('404 whatsapp.message_not_found');
      expect((await stranger.ok('GET', `/messages?chat_id=${owned.chat_id}`)).items).toEqual([]);
    }
  });

  it('is told of to nobody else: neither on the channel of another person nor at their endpoint', async () => {
    await using other = await Tenant.start(stack);
    const theirs = await other.hook();
    const member = await tenant.colleague('member');
    await using channel = await other.me();
    await using members_channel = await tenant.me(member);
    const friend = stack.whatsapp.addPhone();
    const { id } = await friend.send(session.phone.number, 'For the shop alone');
    await hook.find(({ data }) => data.message?.message_id === id);
    // What was told after it has come, and so would it have.
    await other.ok('POST', `/workspaces/${other.workspace_id}/webhooks/${theirs.id}/test`);
    await theirs.find(({ type }) => type === 'webhook.test');
    expect(theirs.told().map(({ type }) => type as string)).toEqual(['webhook.test']);
    for (const { seen } of [channel, members_channel]) expect(JSON.stringify(seen)).not.toContain('whatsapp');
  });
});
