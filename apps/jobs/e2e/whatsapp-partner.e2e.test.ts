import { randomBytes, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import { type SpawnedService, spawnService } from '@potentia/config/testing/spawn-service';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { startObjects, type TestObjects } from '@potentia/sandbox/testing/objects';
import { startWhatsApp, type TestWhatsApp } from '@potentia/sandbox/testing/whatsapp';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

/*
 * The whole way on the running system: a phone, WhatsApp's server, a worker with the real client, the API, the jobs, and back to the phone.
 * Every service is a process, and each is killed in turn, at each step of a message's way.
 */

const mainOf = (app: string): string => fileURLToPath(new URL(`../../${app}/src/main.ts`, import.meta.url));
/** A process that dies leaves leases, which end by themselves. */
const SOON = { timeout: 60_000, interval: 20 };

type Service = 'api' | 'jobs' | 'wa-worker';
type Phone = ReturnType<TestWhatsApp['addPhone']>;

let backends: Backends;
let objects: TestObjects;
let whatsapp: TestWhatsApp;
const running = new Map<Service, SpawnedService>();
/** All that ever ran. */
const processes: SpawnedService[] = [];

beforeAll(async () => {
  [backends, objects, whatsapp] = await Promise.all([startBackends(), startObjects(), startWhatsApp()]);
  await start('api');
  await Promise.all([start('jobs'), start('wa-worker')]);
}, 60_000);
afterAll(async () => {
  await Promise.all([...running.values()].map((service) => service.stop()));
  await Promise.all([backends?.[Symbol.asyncDispose](), objects?.[Symbol.asyncDispose](), whatsapp?.close()]);
});

const ENCRYPTION_KEYS = `test:${randomBytes(32).toString('base64')}`;
const ports = new Map<Service, string>();

function envOf(service: Service): Record<string, string> {
  const { database, redis, issuer } = backends;
  const shared = {
    ...objects.env,
    ...GATEWAY_SECRETS,
    ...{
      NODE_ENV: 'test',
      REDIS_URL: redis.url,
      REDIS_TIMEOUT_MS: '1000',
      DATABASE_TIMEOUT_MS: '5000',
      ENCRYPTION_KEYS,
    },
    ...{ WHATSAPP_HEARTBEAT_MS: '500', LOG_LEVEL: 'debug' },
    PORT: ports.get(service) ?? '0',
  };
  const auth = { SUPABASE_URL: issuer.url, SUPABASE_ANON_KEY: 'anon', SUPABASE_SERVICE_ROLE_KEY: 'service' };
  if (service === 'api') return { ...shared, ...auth, DATABASE_URL: database.app_url };
  if (service === 'jobs') return { ...shared, DATABASE_URL: database.job_url, APP_DATABASE_URL: database.app_url };
  return {
    ...{ ...shared, ...whatsapp.env, DATABASE_URL: database.wa_url, WORKER_NAME: 'worker-1' },
    ...{ API_URL: urlOf('api'), WHATSAPP_MESSAGES_PER_MINUTE: '6000' },
  };
}

/** Where it was before, so that whoever knew it finds it. */
async function start(service: Service): Promise<void> {
  const started = await spawnService({ main: mainOf(service), env: envOf(service) });
  ports.set(service, new URL(started.url).port);
  running.set(service, started);
  processes.push(started);
}
const urlOf = (service: Service): string => running.get(service)?.url ?? '';

async function restart(service: Service): Promise<void> {
  await running.get(service)?.kill();
  await start(service);
}

/** Somebody who speaks to the API. */
async function signIn() {
  const user_id = randomUUID();
  const token = await backends.issuer.sign({ sub: user_id, email: `${user_id}@example.com` });
  const call = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${urlOf('api')}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      body: body ? JSON.stringify(body) : null,
    });
    const answer = response.status === 204 ? undefined : await response.json();
    expect(response.status, JSON.stringify(answer)).toBeLessThan(300);
    return answer as any; // eslint-disable-line @typescript-eslint/no-explicit-any
  };
  return { user_id, call };
}
type Caller = Awaited<ReturnType<typeof signIn>>;

/** A session of somebody's own, linked to a phone of the house, as one would do it by HTTP alone. */
async function connectSession({ call }: Caller): Promise<{ session_id: string; house: Phone }> {
  const { id: session_id } = await call('POST', '/whatsapp/sessions', { name: 'Partner' });
  await call('POST', `/whatsapp/sessions/${session_id}/connect`, {});
  const house = whatsapp.addPhone({ name: 'Partner' });
  await vi.waitFor(async () => {
    const { qr } = await call('GET', `/whatsapp/sessions/${session_id}/qr`);
    await house.scan(qr);
  }, SOON);
  await vi.waitFor(async () => {
    expect(await call('GET', `/whatsapp/sessions/${session_id}`)).toMatchObject({
      status: 'connected',
      phone: house.number,
    });
  }, SOON);
  return { session_id, house };
}

const schedules = async ({ call }: Caller): Promise<string[]> => {
  const day = (n: number): string => new Date(Date.now() + n * 86_400_000).toISOString();
  const { items } = await call('GET', `/view/schedules?from=${day(-1)}&to=${day(4)}`);
  return (items as { title: string }[]).map(({ title }) => title).sort();
};
const answersTo = (phone: Phone, word: string) => phone.inbox().filter(({ text }) => text.includes(`“${word}”`));

/** What stands in the database once a message has come so far. */
const STEPS = {
  'the phone has sent it': 'select 1',
  'the worker has it': `select 1 from wa.messages where direction = 'in' and message_id = $1`,
  'the API has it': 'select 1 from app.whatsapp_turns where message_id = $1',
  'it is being answered': `select 1 from app.agent_runs where idempotency_key like '%' || $1`,
  'it is answered': `select 1 from app.whatsapp_turns where message_id = $1 and status = 'answered'`,
  'the worker has the answer': `select 1 from wa.messages where direction = 'out' and idempotency_key like '%' || $1`,
} as const;
type Step = keyof typeof STEPS;

async function reach(step: Step, message_id: string): Promise<void> {
  const params = STEPS[step].includes('$1') ? [message_id] : [];
  await vi.waitFor(async () => expect(await backends.database.asOwner(STEPS[step], params), step).not.toEqual([]), {
    ...SOON,
    interval: 2,
  });
}

test('phone to phone: linked by a code, an order becomes a schedule and is confirmed; killed anywhere, once', async () => {
  const me = await signIn();
  await me.call('PATCH', '/me', { locale: 'id', time_zone: 'Asia/Jakarta' });
  const { session_id, house } = await connectSession(me);
  const mine = whatsapp.addPhone({ name: 'Ana' });

  const { code, text, url } = await me.call('POST', '/whatsapp/links', { session_id });
  expect(url).toContain(`https://wa.me/${house.number}?text=`);
  await mine.send(house.number, text);
  await mine.waitFor((message) => /terhubung denganmu/u.test(message.text), SOON.timeout);
  expect((await me.call('GET', '/whatsapp/links')).items).toMatchObject([{ phone: mine.number, lid: mine.lid }]);

  await mine.send(house.number, 'ingatkan aku besok jam 9 rapat');
  await mine.waitFor((message) => message.text.includes('“rapat”'), SOON.timeout);
  expect(await schedules(me)).toEqual(['rapat']);
  expect(mine.typingSeen().map(({ state }) => state)).toContain('composing');

  const titles = ['rapat'];
  const kills: [Service, Step][] = [
    ['wa-worker', 'the phone has sent it'],
    ['api', 'the phone has sent it'],
    ['wa-worker', 'the worker has it'],
    ['api', 'the worker has it'],
    ['api', 'the API has it'],
    ['jobs', 'the API has it'],
    ['jobs', 'it is being answered'],
    ['jobs', 'it is answered'],
    ['wa-worker', 'it is answered'],
    ['wa-worker', 'the worker has the answer'],
  ];
  for (const [n, [service, step]] of kills.entries()) {
    const title = `acara ${n}`;
    titles.push(title);
    const { id } = await mine.send(house.number, `ingatkan aku besok jam 9 ${title}`);
    await reach(step, id);
    await restart(service);
    const where = `${service} killed when ${step}`;
    await vi.waitFor(() => expect(answersTo(mine, title), where).toHaveLength(1), SOON);
  }
  expect(await schedules(me)).toEqual(titles.toSorted());
  for (const title of titles) expect(answersTo(mine, title), title).toHaveLength(1);
  expect(mine.inbox()).toHaveLength(titles.length + 1);
  for (const { output } of processes)
    for (const secret of [code, 'ingatkan aku', 'acara 3', 'Selesai: pengingat', mine.lid])
      expect(output()).not.toContain(secret);
  expect(mine.undecryptable().filter(({ is_resolved }) => !is_resolved)).toEqual([]);
}, 600_000);

test('a phone is linked once and told so once, whichever service is killed while its code is on its way', async () => {
  const me = await signIn();
  const { session_id, house } = await connectSession(me);
  for (const service of ['api', 'wa-worker', 'jobs'] as const) {
    const phone = whatsapp.addPhone();
    const { text } = await me.call('POST', '/whatsapp/links', { session_id });
    await restart(service);
    const { id } = await phone.send(house.number, text);
    await reach('the worker has it', id);
    await restart(service);
    await phone.waitFor((message) => message.text.includes('linked to you now'), SOON.timeout);
    expect((await me.call('GET', '/whatsapp/links')).items, service).toMatchObject([{ phone: phone.number }]);
    // Whatever came after it would come before this.
    await phone.send(house.number, 'remind me tomorrow at 9 to stretch');
    await phone.waitFor((message) => message.text.includes('“stretch”'), SOON.timeout);
    expect(phone.inbox(), service).toHaveLength(2);
  }
  expect(await schedules(me)).toEqual(['stretch', 'stretch', 'stretch']);
}, 300_000);
