import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { type GatewayStack, START_MS, startGateway } from './gateway-stack.ts';
import { SOON, Tenant, until } from './gateway-tenant.ts';

/*
 * A session from its card to its end, by HTTP alone: every service runs as a process, real Baileys talks to the stand-in of WhatsApp,
 * and somebody holds the phone.
 */

let stack: GatewayStack;
let tenant: Tenant;
beforeAll(async () => {
  stack = await startGateway();
}, START_MS);
afterAll(() => stack?.[Symbol.asyncDispose]());
beforeEach(async () => {
  tenant = await Tenant.start(stack);
});
afterEach(async () => {
  await tenant[Symbol.asyncDispose]();
  expect(stack.whatsapp.problems()).toEqual([]);
});

it('a card has no code; connected it shows one everywhere, and the phone that scans it links the session', async () => {
  const hook = await tenant.hook();
  await using me = await tenant.me();
  const session = await tenant.card();
  await using events = await session.tenant.follow(session.id);
  expect(await session.ok('GET')).toMatchObject({ status: 'created', qr: null, worker_id: null, phone: null });
  expect(await session.call('GET', '/qr')).toMatchObject({ status: 409, body: { code: 'whatsapp.no_qr' } });

  expect(await session.ok('POST', '/connect', {})).toMatchObject({ desired_state: 'connected' });
  const { qr } = await session.qr();
  const image = async (accept: string) => {
    const { status, headers, text } = await session.call('GET', '/qr', undefined, { accept });
    expect(status).toBe(200);
    expect(headers).toMatchObject({ 'cache-control': 'no-store' });
    return { type: headers['content-type'], text };
  };
  expect(await image('image/png')).toMatchObject({ type: 'image/png', text: expect.stringContaining('PNG') });
  expect((await image('image/svg+xml')).text).toMatch(/^<svg[^]*<path/);
  await events.find((event) => event.type === 'whatsapp.qr' && event.qr === qr, 'the code in the stream');
  await me.find((frame) => frame.type === 'whatsapp.qr' && frame.qr === qr, 'the code on /ws/me');
  await hook.find(({ data }) => data.status === 'pairing' && data.qr.serial === 1);

  const page = await session.ok('POST', '/qr/page');
  const token = new URL(page.url as string).hash.slice(1);
  const state = await fetch(page.url as string, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  });
  expect(await state.json()).toMatchObject({ status: 'pairing', qr: { svg: expect.stringContaining('<svg') } });

  const phone = stack.whatsapp.addPhone({ name: 'Toko Sari' });
  await phone.scan(qr as string);
  const card = await session.untilStatus('connected');
  expect(card).toMatchObject({ phone: phone.number, lid: phone.lid, qr: null });
  expect(phone.devices()).toMatchObject([{ is_connected: true }]);
  const connected = await hook.find(({ type, data }) => type === 'whatsapp.session' && data.status === 'connected');
  expect(connected.data).toMatchObject({ session_id: session.id, workspace_id: tenant.workspace_id, qr: null });
  expect(connected.data.phone).toBe(phone.number);
  await me.find((frame) => frame.event === 'whatsapp.session' && frame.payload.status === 'connected');
  await events.find((event) => event.type === 'whatsapp.session' && event.status === 'connected');
  await events.find((event) => event.type === 'whatsapp.qr' && event.qr === null, 'the code is taken back');
  expect(await session.call('GET', '/qr')).toMatchObject({ status: 409, body: { code: 'whatsapp.no_qr' } });
});

it('a number that is typed in with a code links the session too, which is asked for with the connection or later', async () => {
  const [first, second] = [await tenant.card(), await tenant.card()];
  const phones = [stack.whatsapp.addPhone(), stack.whatsapp.addPhone()] as const;
  await using events = await tenant.follow(first.id);
  await first.ok('POST', '/connect', { login: { by: 'pairing_code', phone: phones[0].number } });
  const { code } = await events.find((event) => event.type === 'whatsapp.pairing_code' && event.code !== null);
  await phones[0].enterCode(code as string);
  expect(await first.untilStatus('connected')).toMatchObject({ phone: phones[0].number });

  await second.ok('POST', '/connect', {});
  await second.qr();
  const later = await second.ok('POST', '/pairing-code', { phone: phones[1].number });
  expect(later.code).toMatch(/^[A-Z0-9]{8}$/);
  await phones[1].enterCode(later.code as string);
  expect(await second.untilStatus('connected')).toMatchObject({ phone: phones[1].number });
});

it('moves to another worker without a message lost; is logged out, linked anew, and deleted', async () => {
  const hook = await tenant.hook();
  const session = await tenant.linked();
  const other = stack.whatsapp.addPhone();
  const before = await session.ok('GET');
  await stack.startWorker();
  await other.send(session.phone.number, 'before the move');
  await session.ok('POST', '/migrate', {});
  await other.send(session.phone.number, 'in the middle of it');
  const during = await session.send({ phone: other.number }, 'sent while it moves');
  const after = await until(async () => {
    const card = await session.ok('GET');
    return card.worker_id !== before.worker_id && card.status === 'connected' && card.generation > before.generation
      ? card
      : null;
  }, 'the session at another worker');
  expect(after).toMatchObject({ phone: session.phone.number, qr: null });
  await other.send(session.phone.number, 'after it');
  const words = async () =>
    (await session.ok('GET', '/messages?direction=in')).items.map(
      (each: { content: { text: string } }) => each.content.text,
    );
  await expect.poll(words, SOON).toEqual(['after it', 'in the middle of it', 'before the move']);
  const shown = await other.waitFor(({ id }) => id === during.message_id);
  expect(shown.stanzas).toBe(1);

  await session.ok('POST', '/logout');
  await session.untilStatus('logged_out', 'requested');
  await expect.poll(() => session.phone.devices(), SOON).toEqual([]);
  await hook.find(({ data }) => data.status === 'logged_out');
  expect(
    await session.call('POST', '/messages', { to: { phone: other.number }, content: { type: 'text', text: 'no' } }),
  ).toMatchObject({ status: 409, body: { code: 'whatsapp.not_connected' } });
  expect(await words()).toHaveLength(3);

  await session.ok('POST', '/connect', {});
  await session.phone.scan((await session.qr()).qr as string);
  await session.untilStatus('connected');
  await other.send(session.phone.number, 'linked anew');
  await expect.poll(words, SOON).toHaveLength(4);

  expect((await session.call('DELETE')).status).toBe(204);
  expect(await session.call('GET')).toMatchObject({ status: 404, body: { code: 'whatsapp.session_not_found' } });
  await expect.poll(() => session.phone.devices(), SOON).toEqual([]);
  const tables = ['sessions', 'signal_keys', 'contacts', 'chats', 'messages', 'media', 'events', 'backups'];
  const left = async () => {
    const counted = tables.map((name) => `(select count(*)::int from wa.${name} where session_id = $1) as ${name}`);
    const rows = await stack.backends.database.asOwner<object>(`select ${counted.join(', ')}`, [session.id]);
    return Object.values(rows[0]!);
  };
  await expect.poll(left, SOON).toEqual(tables.map(() => 0));
});
