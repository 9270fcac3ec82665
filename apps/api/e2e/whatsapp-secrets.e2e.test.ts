import { randomBytes, randomUUID } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import { createLogger } from '@potentia/config/logger';
import { createRedis, type RedisClient } from '@potentia/domain/platform/adapters/redis';
import { signServiceToken, WORKER_AUDIENCE } from '@potentia/domain/platform/service-token';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { leaks, privateKeys, redisAsText, tablesAsText } from './gateway-secrets.ts';
import { ENCRYPTION_KEY, type GatewayStack, START_MS, startGateway } from './gateway-stack.ts';
import { request, SOON, Tenant } from './gateway-tenant.ts';

/* Sessions are linked and used while every service writes all that it can; then nothing of it may say what would open one. */

let stack: GatewayStack;
let redis: RedisClient;
beforeAll(async () => {
  stack = await startGateway({ log_level: 'trace' });
  const log = createLogger({ service: 'test', level: 'silent' });
  redis = createRedis({ url: stack.backends.redis.url, timeout_ms: 1_000, role: 'command', log });
}, START_MS);
afterAll(async () => {
  redis?.disconnect();
  await stack?.[Symbol.asyncDispose]();
});

/** A code, and each thing in it that is worth anything. */
const partsOf = (qr: string): string[] => [
  qr,
  ...qr
    .split('#')[1]!
    .split(',')
    .filter((part) => part.length > 8),
];
const LIVE_CODE = /^wa:(qr|pairing):/;

it('nothing secret is in a table, in Redis, in a webhook or in a log, while sessions are linked and after', async () => {
  const tenant = await Tenant.start(stack);
  const hook = await tenant.hook();
  await using me = await tenant.me();
  const scanned = await tenant.card();
  const typed = await tenant.card();
  await using stream = await tenant.follow(scanned.id);
  const phones = [
    stack.whatsapp.addPhone({ name: 'Ibu Ratna' }),
    stack.whatsapp.addPhone({ name: 'Pak Joko' }),
  ] as const;
  const other = stack.whatsapp.addPhone({ name: 'Mbak Yuni' });
  const once = () => ({ 'idempotency-key': randomUUID() });

  // While the codes are good.
  await scanned.ok('POST', '/connect', {}, once());
  const { qr } = await scanned.qr();
  const page = await scanned.ok('POST', '/qr/page', undefined, once());
  await typed.ok('POST', '/connect', {}, once());
  await typed.qr();
  const { code } = await typed.ok('POST', '/pairing-code', { phone: phones[1].number }, once());
  await stream.find((event) => event.qr === qr);
  await me.find((frame) => frame.qr === qr);
  await hook.find(({ data }) => data.session_id === scanned.id && data.status === 'pairing');
  const dashed = `${code.slice(0, 4)}-${code.slice(4)}`;
  const codes = { 'a QR code': partsOf(qr as string), 'a pairing code': [code as string, dashed] };
  const live = await redisAsText(redis);
  expect([...live.keys()].filter((key) => LIVE_CODE.test(key)).toSorted()).toEqual(
    [`wa:pairing:${typed.id}`, `wa:qr:${scanned.id}`].toSorted(),
  );
  expect(leaks(live, codes).toSorted()).toEqual(
    [`a QR code in wa:qr:${scanned.id}`, `a pairing code in wa:pairing:${typed.id}`].toSorted(),
  );
  expect(leaks(await tablesAsText(stack.backends.database), codes)).toEqual([]);

  // Linked, and used.
  await phones[0].scan(qr as string);
  await phones[1].enterCode(code as string);
  const sessions = [scanned, typed] as const;
  for (const session of sessions) await session.untilStatus('connected');
  const words = ['Jam tangan emas', 'Sepatu merah marun', 'Nota nomor tujuh'] as const;
  const { id } = await other.send(phones[0].number, words[0]);
  await scanned.message(id);
  const sent = await scanned.send({ phone: other.number }, words[1]);
  await expect.poll(async () => (await scanned.message(sent.message_id)).status, SOON).toBe('delivered');
  const media_id = await scanned.upload('image', 'image/jpeg', randomBytes(5_000));
  const file = await scanned.send({ phone: other.number }, { type: 'image', media_id, caption: words[2] });
  await other.waitFor((message) => message.id === file.message_id);
  const group = other.createGroup({ subject: 'Arisan keluarga', members: phones.map(({ number }) => number) });
  await other.send(group.id, 'Arisan hari Minggu');
  const { url } = await scanned.ok('GET', `/messages/${file.message_id}/media`);
  await hook.find(({ data }) => data.message?.content.text === 'Arisan hari Minggu');
  for (const { id: session_id } of sessions) await backUp(tenant, session_id);

  const keys = await Promise.all(sessions.map((session) => privateKeys(stack.backends.database, session.id)));
  for (const each of keys) expect(each.length).toBeGreaterThan(100);
  const secrets = {
    ...codes,
    'the token of a page': [new URL(page.url as string).hash.slice(1)],
    'a private key': keys.flat(),
    'a secret of services': [GATEWAY_SECRETS.SERVICE_JWT_SECRETS, GATEWAY_SECRETS.WORKER_WEBHOOK_SECRETS.slice(6)],
    'a key of encryption': [ENCRYPTION_KEY],
    'the secret of a webhook': [hook.secret, hook.secret.slice(6)],
    'a token': ['eyJ'],
  };
  const tables = await tablesAsText(stack.backends.database);
  const kept = await redisAsText(redis);
  const told = new Map([['webhooks', hook.receiver.requests.map(({ body }) => body).join('\n')]]);
  expect(leaks(tables, secrets)).toEqual([]);
  expect(leaks(kept, secrets)).toEqual([]);
  expect(leaks(told, secrets)).toEqual([]);

  // What is read by everybody who looks after machines says nothing of what was written, by whom, and to whom.
  await tenant[Symbol.asyncDispose]();
  for (const service of [...stack.workers, stack.jobs, stack.realtime, stack.api]) await service.stop();
  const logs = new Map([['logs', stack.output()]]);
  const people = [...phones, other].flatMap(({ name, number, lid }) => [name, number, lid]);
  const private_matters = {
    'a message': [...words, 'Arisan'],
    'a person': [...people, tenant.who.email],
    'a signed address': [new URL(url as string).search, 'X-Amz-Signature'],
    'what libsignal says': ['Closing session', 'SessionEntry', 'ephemeralKeyPair', 'rootKey'],
  };
  expect(leaks(logs, { ...secrets, ...private_matters })).toEqual([]);

  // That the search finds what is there.
  for (const texts of [tables, kept, told, logs]) expect(leaks(texts, { it: [scanned.id] })).not.toEqual([]);
  expect(leaks(tables, { it: [words[0]] })).toContain('it in wa.messages');
  const copies = await backupTexts();
  expect(leaks(copies, { ...codes, 'a private key': keys.flat() })).toEqual([]);
  expect(leaks(copies, { it: ['"type":"creds"'] })).toHaveLength(2);
}, 120_000);

/** Has the worker make a copy, as an operator does. */
async function backUp(tenant: Tenant, session_id: string): Promise<void> {
  const { generation } = await tenant.ok('GET', `/whatsapp/sessions/${session_id}`);
  const token = await signServiceToken([GATEWAY_SECRETS.SERVICE_JWT_SECRETS], {
    issuer: 'operator',
    audience: WORKER_AUDIENCE,
    session: { session_id, generation: generation as number },
  });
  const { status, text } = await request(stack.workers[0]!.url, token, 'POST', `/sessions/${session_id}/backup`);
  expect(status, text).toBeLessThan(300);
}

/** The copies in object storage, as whoever can read it reads them. */
async function backupTexts(): Promise<Map<string, string>> {
  const { store, bucket } = stack.objects;
  const found = new Map<string, string>();
  for (const { key } of store.keys(bucket).filter(({ key }) => key.startsWith('whatsapp/backups/')))
    found.set(key, gunzipSync(await buffer(store.read(bucket, key))).toString('utf8'));
  return found;
}
