import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import { NO_OBJECTS } from '@potentia/config/testing/object-env';
import { spawnService } from '@potentia/config/testing/spawn-service';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { type Receiver, startReceiver } from '@potentia/domain/webhook/testing/receiver';
import { Webhook as Witness } from 'standardwebhooks';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';

/*
 * The whole way, over HTTP alone: somebody subscribes and edits, the API and the jobs run as processes, and a server of
 * the customer's gets it, checked with the library of the specification.
 */

const mainOf = (app: string): string => fileURLToPath(new URL(`../../${app}/src/main.ts`, import.meta.url));
const SOON = { timeout: 20_000, interval: 50 };

let backends: Backends;
let api: Awaited<ReturnType<typeof spawnService>>;
beforeAll(async () => {
  backends = await startBackends();
  api = await spawnService({
    main: mainOf('api'),
    env: {
      ...shared(),
      DATABASE_URL: backends.database.app_url,
      SUPABASE_URL: backends.issuer.url,
      SUPABASE_ANON_KEY: 'anon',
      SUPABASE_SERVICE_ROLE_KEY: 'service',
    },
  });
});
afterAll(async () => {
  await api?.stop();
  await backends?.[Symbol.asyncDispose]();
});

const shared = () => ({
  ...NO_OBJECTS,
  NODE_ENV: 'test',
  REDIS_URL: backends.redis.url,
  REDIS_TIMEOUT_MS: '500',
  DATABASE_TIMEOUT_MS: '5000',
  ENCRYPTION_KEYS: `test:${Buffer.alloc(32).toString('base64')}`,
  ...GATEWAY_SECRETS,
  WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8',
});

/** The jobs, with as many attempts as a test can wait for. */
const startJobs = (overrides: Record<string, string> = {}) =>
  spawnService({
    main: mainOf('jobs'),
    env: {
      ...shared(),
      DATABASE_URL: backends.database.job_url,
      APP_DATABASE_URL: backends.database.app_url,
      WEBHOOK_RETRY_DELAYS_MS: Array(30).fill(400).join(),
      WEBHOOK_TIMEOUT_MS: '60000',
      ...overrides,
    },
  });

/** Somebody with a workspace, who speaks to the API. */
async function tenant() {
  const token = await backends.issuer.sign({ sub: randomUUID(), email: `${randomUUID()}@example.com` });
  const call = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${api.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      body: body ? JSON.stringify(body) : null,
    });
    const answer = response.status === 204 ? undefined : await response.json();
    expect(response.status, JSON.stringify(answer)).toBeLessThan(300);
    return answer as any; // eslint-disable-line @typescript-eslint/no-explicit-any
  };
  const { id: workspace_id } = await call('POST', '/workspaces', { name: 'Hooks' });
  const hooks = `/workspaces/${workspace_id}/webhooks`;
  const receiver = await startReceiver();
  onTestFinished(() => receiver[Symbol.asyncDispose]());
  const webhook: { id: string; secret: string } = await call('POST', hooks, {
    url: receiver.url,
    event_types: ['block.*', 'webhook.test'],
  });
  const canvas = await call('POST', '/canvases', { workspace_id, title: 'Plans' });
  const edit = (text: string) =>
    call('POST', `/canvases/${canvas.id}/mutate`, {
      mutation_id: randomUUID(),
      ops: [{ op: 'create', type: 'text', content: { text } }],
    });
  const log = async () => (await call('GET', `${hooks}/${webhook.id}/deliveries`)).items;
  return { call, hook: `${hooks}/${webhook.id}`, receiver, webhook, canvas, edit, log, workspace_id };
}

const verified = ({ secret }: { secret: string }, { requests }: Receiver) =>
  requests.map(({ body, headers }) => new Witness(secret).verify(body, headers as Record<string, string>) as any); // eslint-disable-line @typescript-eslint/no-explicit-any

test('an edit reaches the server that subscribed, signed, and nobody else’s', async () => {
  await using _jobs = await startJobs();
  const [mine, theirs] = [await tenant(), await tenant()];
  const { seq } = await mine.edit('hello');
  await vi.waitFor(() => expect(mine.receiver.requests).toHaveLength(1), SOON);
  expect(verified(mine.webhook, mine.receiver)).toMatchObject([
    { type: 'block.mutate', data: { workspace_id: mine.workspace_id, canvas_id: mine.canvas.id, after: { seq } } },
  ]);
  await vi.waitFor(async () => expect(await mine.log()).toMatchObject([{ status: 'delivered', attempts: 1 }]), SOON);

  // Both secrets sign after a rotation.
  const rotated = await mine.call('POST', `${mine.hook}/rotate-secret`);
  await mine.call('POST', `${mine.hook}/test`);
  await vi.waitFor(() => expect(mine.receiver.requests).toHaveLength(2), SOON);
  mine.receiver.requests.shift();
  for (const { secret } of [mine.webhook, rotated])
    expect(verified({ secret }, mine.receiver)).toMatchObject([{ type: 'webhook.test' }]);

  expect(theirs.receiver.requests).toEqual([]);
  expect(await theirs.log()).toEqual([]);
});

test('a server that is down gets it once it is up, though the jobs are killed between the attempts', async () => {
  const { receiver, edit, log, webhook } = await tenant();
  receiver.answer((response) => void response.writeHead(503).end());
  {
    await using jobs = await startJobs();
    await edit('while you were out');
    await vi.waitFor(() => expect(receiver.requests.length).toBeGreaterThanOrEqual(2), SOON);
    await jobs.kill();
  }
  const before = receiver.requests.length;
  const [row] = await log();
  expect(row).toMatchObject({ status: 'pending', last_status: 503 });
  receiver.answer((response) => void response.writeHead(204).end());
  await using _jobs = await startJobs();
  await vi.waitFor(async () => expect(await log()).toMatchObject([{ id: row.id, status: 'delivered' }]), SOON);
  expect(receiver.requests.length).toBe(before + 1);
  expect(new Set(receiver.requests.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([row.id]));
  expect(verified(webhook, receiver).at(-1)).toMatchObject({ type: 'block.mutate' });
});

test('what was under way when the jobs were killed is sent again under its id', async () => {
  const { receiver, edit, log } = await tenant();
  receiver.answer(() => undefined);
  {
    await using jobs = await startJobs();
    await edit('half-way');
    await vi.waitFor(() => expect(receiver.requests).toHaveLength(1), SOON);
    await jobs.kill();
  }
  receiver.answer((response) => void response.writeHead(200).end());
  await using jobs = await startJobs();
  await vi.waitFor(async () => expect(await log()).toMatchObject([{ status: 'delivered', attempts: 1 }]), {
    ...SOON,
    timeout: 40_000,
  });
  const [first, second] = receiver.requests.map(({ headers }) => headers['webhook-id']);
  expect(second).toBe(first);
  const metrics = await (await fetch(`${jobs.url}/metrics`)).text();
  expect(metrics).toMatch(/potentia_webhook_attempt_duration_seconds_count\{[^}]*outcome="delivered"[^}]*\} 1/);
});

test('an endpoint that fails for good is disabled; enabled again, what it missed is redelivered', async () => {
  const { receiver, edit, log, call, hook } = await tenant();
  receiver.answer((response) => void response.writeHead(500).end('out of order'));
  await using _jobs = await startJobs({ WEBHOOK_RETRY_DELAYS_MS: '50,50' });
  await edit('unheard');
  await vi.waitFor(
    async () => expect(await call('GET', hook)).toMatchObject({ status: 'disabled', disabled_reason: 'failing' }),
    SOON,
  );
  const [row] = await log();
  expect(row).toMatchObject({ status: 'failed', attempts: 3, last_status: 500 });
  expect(await call('GET', `${hook}/deliveries/${row.id}`)).toMatchObject({ response_excerpt: 'out of order' });
  await call('PATCH', hook, { status: 'enabled' });
  receiver.answer((response) => void response.writeHead(200).end());
  await call('POST', `${hook}/deliveries/${row.id}/redeliver`);
  await vi.waitFor(
    async () => expect(await log()).toMatchObject([{ id: row.id, status: 'delivered', attempts: 4 }]),
    SOON,
  );
});
