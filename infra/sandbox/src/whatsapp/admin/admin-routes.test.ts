import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { buildSandbox, type Sandbox, type SandboxOptions } from '../../app.ts';
import { BaileysClient, linkedClient } from '../../testing/baileys.ts';

const ONE = '491510000001';
const TWO = '491510000002';

async function start(options: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = await buildSandbox({ whatsapp_port: 0, whatsapp_media_port: 0, ...options });
  await sandbox.listen();
  onTestFinished(() => sandbox.close());
  return sandbox;
}

// The test's expectations say what it is.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Answer = { status: number; body: any };

async function call(sandbox: Sandbox, method: string, route: string, body?: unknown): Promise<Answer> {
  const response = await fetch(`${sandbox.url}/whatsapp${route}`, {
    method,
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : JSON.parse(text) };
}
const send = (sandbox: Sandbox, content: unknown, more: object = {}) =>
  call(sandbox, 'POST', `/phones/${ONE}/messages`, { to: TWO, content, ...more });
const messagesOf = async (sandbox: Sandbox, number: string, query = ''): Promise<unknown[]> =>
  (await call(sandbox, 'GET', `/phones/${number}/messages${query}`)).body.items as unknown[];

it('has two phones with numbers that stay, until there are others', async () => {
  const data_dir = await mkdtemp(path.join(tmpdir(), 'phones-'));
  onTestFinished(() => rm(data_dir, { recursive: true }));
  const numbers = async (sandbox: Sandbox): Promise<string[]> =>
    ((await call(sandbox, 'GET', '/phones')).body.items as { number: string }[]).map(({ number }) => number);
  const first = await start({ data_dir });
  expect(await numbers(first)).toEqual([ONE, TWO]);
  expect(await call(first, 'POST', '/phones', { name: 'Ada', number: '+49 30 123456' })).toMatchObject({
    status: 201,
    body: { number: '4930123456', name: 'Ada', devices: [], settings: { is_online: true, auto_read: false } },
  });
  await first.close();
  expect(await numbers(await start({ data_dir }))).toEqual([ONE, TWO, '4930123456']);
});

it('links what shows a QR code or a pairing code, and unlinks it', async () => {
  const sandbox = await start();
  const { web_socket_url } = (await call(sandbox, 'GET', '/trust')).body as { web_socket_url: string };
  const scan = async (qr: string): Promise<void> => {
    expect((await call(sandbox, 'POST', `/phones/${ONE}/scan`, { qr })).status).toBe(200);
  };
  const device = await linkedClient(web_socket_url, scan);
  onTestFinished(() => device[Symbol.asyncDispose]());
  const { body } = await call(sandbox, 'GET', `/phones/${ONE}/devices`);
  expect(body).toMatchObject({ items: [{ id: 1, is_connected: true }] });

  const second = new BaileysClient(web_socket_url);
  onTestFinished(() => second[Symbol.asyncDispose]());
  await second.until(() => second.qrs[0]);
  const code = await second.socket.requestPairingCode(ONE);
  expect(await call(sandbox, 'POST', `/phones/${ONE}/pairing-code`, { code: 'WRONG123' })).toMatchObject({
    status: 400,
    body: { message: 'body/code: The code is wrong' },
  });
  expect(code).toHaveLength(8);

  expect((await call(sandbox, 'DELETE', `/phones/${ONE}/devices/1`)).status).toBe(204);
  await device.until(() => device.closes.find(({ code }) => code === 401));
  expect((await call(sandbox, 'DELETE', `/phones/${ONE}/devices/1`)).status).toBe(404);
});

it('sends every kind, and the other phone shows it', async () => {
  const sandbox = await start();
  const text = await send(sandbox, 'Hello');
  expect(text).toMatchObject({ status: 201, body: { kind: 'text', text: 'Hello', chat: TWO, is_from_me: true } });
  const { id } = text.body as { id: string };
  const bytes = Buffer.from('RIFF').toString('base64');
  await send(sandbox, { kind: 'image', caption: 'A square' });
  await send(sandbox, { kind: 'voice' });
  await send(sandbox, { kind: 'document', file_name: 'plan.pdf' });
  await send(sandbox, { kind: 'video', bytes, mime_type: 'video/mp4' });
  await send(sandbox, { kind: 'location', latitude: -6.2, longitude: 106.8, name: 'Jakarta' });
  await send(sandbox, { kind: 'contact', name: 'Ada', phone: '+4930123456' });
  const poll = await send(sandbox, { kind: 'poll', question: 'When?', options: ['Now', 'Later'] });
  await send(sandbox, { kind: 'poll_vote', id: (poll.body as { id: string }).id, options: ['Later'] });
  await send(sandbox, { kind: 'reaction', id, emoji: '👍' });
  await send(sandbox, { kind: 'edit', id, text: 'Hello there' });
  await send(sandbox, 'Yes?', { quoted: id });
  expect(await messagesOf(sandbox, TWO)).toMatchObject([
    { kind: 'text', text: 'Hello there', chat: ONE, edited: true, reactions: [{ from: ONE, emoji: '👍' }] },
    { kind: 'image', text: 'A square', media: { mime_type: 'image/png' } },
    { kind: 'voice', media: { mime_type: 'audio/ogg; codecs=opus', seconds: 2 } },
    { kind: 'document', media: { mime_type: 'application/pdf', file_name: 'plan.pdf' } },
    { kind: 'video', media: { mime_type: 'video/mp4', size: 4 } },
    { kind: 'location', text: 'Jakarta', details: { latitude: -6.2, longitude: 106.8 } },
    { kind: 'contact', details: { contacts: [{ name: 'Ada', vcard: expect.stringContaining('waid=4930123456') }] } },
    { kind: 'poll', details: { options: ['Now', 'Later'] }, votes: [{ from: ONE, options: ['Later'] }] },
    { kind: 'text', text: 'Yes?', quoted: id },
  ]);
});

it('hands out the file of a message, and lets no page run that somebody sent', async () => {
  const sandbox = await start();
  const file = async (content: object): Promise<Response> => {
    const { body } = await send(sandbox, content);
    return fetch(`${sandbox.url}/whatsapp/phones/${TWO}/messages/${(body as { id: string }).id}/media`);
  };
  const picture = await file({ kind: 'image' });
  expect(picture.headers.get('content-type')).toBe('image/png');
  expect(
    Buffer.from(await picture.arrayBuffer())
      .subarray(1, 4)
      .toString(),
  ).toBe('PNG');
  const page = Buffer.from('<script>alert(1)</script>').toString('base64');
  const document = await file({ kind: 'document', bytes: page, mime_type: 'text/html' });
  expect(Object.fromEntries(document.headers)).toMatchObject({
    'content-type': 'application/octet-stream',
    'content-disposition': 'attachment',
    'content-security-policy': "sandbox; default-src 'none'",
  });
  const { body } = await send(sandbox, 'No file');
  expect((await call(sandbox, 'GET', `/phones/${TWO}/messages/${String(body.id)}/media`)).status).toBe(404);
});

it('tells what came after a message, and waits for it', async () => {
  const sandbox = await start();
  const first = (await send(sandbox, 'One')).body as { id: string };
  await send(sandbox, 'Two');
  const after = (id: string, wait_ms: number) =>
    messagesOf(sandbox, TWO, `?chat=${ONE}&after=${id}&wait_ms=${String(wait_ms)}`);
  const [two] = (await after(first.id, 0)) as { id: string }[];
  expect(two).toMatchObject({ text: 'Two' });
  expect(await after(two?.id ?? '', 0)).toEqual([]);
  const waiting = after(two?.id ?? '', 10_000);
  await send(sandbox, 'Three');
  expect(await waiting).toMatchObject([{ text: 'Three' }]);
});

it('shows chats, who writes, what is read; settings are kept', async () => {
  const sandbox = await start();
  const { id } = (await send(sandbox, 'Hello')).body as { id: string };
  await call(sandbox, 'POST', `/phones/${ONE}/typing`, { to: TWO, state: 'composing' });
  const { body } = await call(sandbox, 'GET', `/phones/${TWO}/chats`);
  expect(body).toMatchObject({
    items: [{ chat: ONE, name: 'Phone One', last: { text: 'Hello' }, typing: [{ from: ONE, state: 'composing' }] }],
  });
  await expect.poll(() => messagesOf(sandbox, ONE)).toMatchObject([{ id, status: 'delivered' }]);
  expect((await call(sandbox, 'POST', `/phones/${TWO}/read`, { chat: ONE })).status).toBe(204);
  await expect.poll(() => messagesOf(sandbox, ONE)).toMatchObject([{ id, status: 'read' }]);
  await call(sandbox, 'PATCH', `/phones/${TWO}/settings`, { is_online: false });
  expect((await call(sandbox, 'GET', `/phones/${TWO}`)).body).toMatchObject({ settings: { is_online: false } });
});

it('makes groups, and changes who is in them', async () => {
  const sandbox = await start();
  const { body: group } = await call(sandbox, 'POST', `/phones/${ONE}/groups`, { subject: 'Plans', members: [TWO] });
  const { id, members } = group as { id: string; members: unknown[] };
  expect(members).toEqual([
    { number: ONE, is_admin: true },
    { number: TWO, is_admin: false },
  ]);
  await call(sandbox, 'POST', `/phones/${ONE}/messages`, { to: id, content: 'Hello all' });
  expect(await messagesOf(sandbox, TWO, `?chat=${id}`)).toMatchObject([{ text: 'Hello all', from: ONE }]);
  const route = `/phones/${ONE}/groups/${id}`;
  expect((await call(sandbox, 'PATCH', route, { subject: 'Deeds' })).body).toMatchObject({ subject: 'Deeds' });
  expect(await call(sandbox, 'DELETE', `/phones/${TWO}/groups/${id}/members/${ONE}`)).toMatchObject({ status: 400 });
  await call(sandbox, 'PUT', `${route}/members/${TWO}`, { is_admin: true });
  expect((await call(sandbox, 'DELETE', `/phones/${TWO}/groups/${id}/members/${ONE}`)).status).toBe(204);
  expect((await call(sandbox, 'GET', `/phones/${ONE}/groups`)).body).toEqual({ items: [] });
  expect((await call(sandbox, 'PATCH', route, { subject: 'Mine' })).status).toBe(404);
});

it('fails on demand: media here, until all is well again', async () => {
  const sandbox = await start();
  const { ca: _ca, ...trust } = (await call(sandbox, 'GET', '/trust')).body as Record<string, string>;
  expect(Object.keys(trust)).toEqual(['web_socket_url', 'root_public_key']);
  for (const fault of [
    { fault: 'media', status: 503 },
    { fault: 'close', target: ONE, code: 440 },
    { fault: 'close', target: `${ONE}:1`, code: 'tcp', when: 'next_login' },
    { fault: 'drop_acks', target: ONE, times: true },
    { fault: 'duplicate_next', target: ONE, times: 2 },
    { fault: 'slow', target: ONE, delay_ms: 10 },
    { fault: 'hold_receipts', target: ONE },
  ]) {
    expect([fault, (await call(sandbox, 'POST', '/faults', fault)).status]).toEqual([fault, 204]);
  }
  expect((await call(sandbox, 'DELETE', '/faults')).status).toBe(204);
});

it.each([
  ['/phones', { number: 'five' }, 'body/number'],
  ['/phones', { nmae: 'Ada' }, 'body/nmae is not known'],
  [`/phones/${ONE}/scan`, {}, "'qr'"],
  [`/phones/${ONE}/scan`, { qr: 'nothing' }, 'body/qr'],
  [`/phones/${ONE}/scan`, { qr: 'ref,noise,identity,secret' }, 'body/qr: This QR code is no longer valid'],
  [`/phones/${ONE}/pairing-code`, { code: 'short' }, 'body/code'],
  [`/phones/${ONE}/messages`, { content: 'Hi' }, "'to'"],
  [`/phones/${ONE}/messages`, { to: '4900000', content: 'Hi' }, 'body/to: Nobody has the number 4900000'],
  [`/phones/${ONE}/messages`, { to: ONE, content: 'Hi' }, 'body/to'],
  [`/phones/${ONE}/messages`, { to: '12345@g.us', content: 'Hi' }, 'body/to: The phone is in no such group'],
  [`/phones/${ONE}/messages`, { to: TWO, content: { kind: 'song' } }, 'body/content/kind is none'],
  [`/phones/${ONE}/messages`, { to: TWO, content: { kind: 'location', latitude: 91, longitude: 0 } }, 'latitude'],
  [`/phones/${ONE}/messages`, { to: TWO, content: { kind: 'video' } }, 'body/content/bytes'],
  [`/phones/${ONE}/messages`, { to: TWO, content: { kind: 'image', bytes: '!' } }, 'body/content/bytes'],
  [`/phones/${ONE}/messages`, { to: TWO, content: { kind: 'delete', id: 'NONE' } }, 'body/content/id'],
  [`/phones/${ONE}/messages`, { to: TWO, content: 'Hi', quoted: 'NONE' }, 'body/quoted'],
  [`/phones/${ONE}/read`, { chat: 'Ada' }, 'body/chat'],
  [`/phones/${ONE}/typing`, { to: TWO, state: 'thinking' }, 'body/state'],
  [`/phones/${ONE}/groups`, { subject: 'Plans', members: ['4900000'] }, 'body/members/0'],
  ['/faults', { fault: 'rain' }, 'body/fault is none'],
  ['/faults', { fault: 'slow', target: ONE }, 'delay_ms'],
  ['/faults', { fault: 'close', target: '4900000', code: 440 }, 'body/target'],
])('refuses %s with %j by the name of the field', async (route, body, named) => {
  const sandbox = await start();
  const answer = await call(sandbox, 'POST', route, body);
  expect(answer).toMatchObject({ status: 400, body: { message: expect.stringContaining(named) } });
});

it('says so where there is no such phone, no such number left, and no WhatsApp', async () => {
  const sandbox = await start();
  expect((await call(sandbox, 'GET', '/phones/4900000')).status).toBe(404);
  expect((await call(sandbox, 'POST', '/phones', { number: ONE })).status).toBe(409);
  expect((await messagesOf(sandbox, ONE)).length).toBe(0);
  const without = await start({ whatsapp_port: undefined });
  expect((await call(without, 'GET', '/phones')).status).toBe(404);
});
