import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import { type SpawnedService, spawnService } from '@potentia/config/testing/spawn-service';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { startObjects, type TestObjects } from '@potentia/sandbox/testing/objects';
import { startWhatsApp, type TestWhatsApp } from '@potentia/sandbox/testing/whatsapp';
import { expect, vi } from 'vitest';

/** The running system with its gateway: every service a process of its own, WhatsApp and the object storage stood in for. */
export interface GatewayStack extends AsyncDisposable {
  backends: Backends;
  whatsapp: TestWhatsApp;
  objects: TestObjects;
  api: SpawnedService;
  realtime: SpawnedService;
  jobs: SpawnedService;
  /** Those that are there, the first first. */
  workers: SpawnedService[];
  /** One more worker, which the API knows. */
  startWorker(env?: Record<string, string>): Promise<SpawnedService>;
  /** What all of them have written so far. */
  output(): string;
}

export const ENCRYPTION_KEY = Buffer.alloc(32, 3).toString('base64');
/** Milliseconds that all of it may take to start, where several test files do so at once on few cores. */
export const START_MS = 150_000;
const HEARTBEAT_MS = '1000';

const main = (app: string): string => join(import.meta.dirname, `../../${app}/src/main.ts`);

/** Every service, at this level of their logs. */
export async function startGateway({ log_level = 'info' } = {}): Promise<GatewayStack> {
  const [backends, whatsapp, objects] = await Promise.all([startBackends(), startWhatsApp(), startObjects()]);
  const { database, redis, issuer } = backends;
  const shared = {
    ...GATEWAY_SECRETS,
    ...objects.env,
    NODE_ENV: 'test',
    LOG_LEVEL: log_level,
    REDIS_URL: redis.url,
    REDIS_TIMEOUT_MS: '1000',
    DATABASE_TIMEOUT_MS: '10000',
    ENCRYPTION_KEYS: `test:${ENCRYPTION_KEY}`,
    SUPABASE_URL: issuer.url,
    WHATSAPP_HEARTBEAT_MS: HEARTBEAT_MS,
    WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8',
    IP_RATE_LIMIT: '100000',
  };
  const env = {
    api: {
      ...shared,
      DATABASE_URL: database.app_url,
      SUPABASE_ANON_KEY: 'anon',
      SUPABASE_SERVICE_ROLE_KEY: 'service',
      RATE_LIMITS: '[{"limit":100000,"window_ms":60000}]',
    },
    realtime: { ...shared, DATABASE_URL: database.app_url },
    jobs: { ...shared, DATABASE_URL: database.job_url, APP_DATABASE_URL: database.app_url },
  };
  const start = (app: keyof typeof env) => spawnService({ main: main(app), env: env[app] });
  const [api, realtime, jobs] = await Promise.all([start('api'), start('realtime'), start('jobs')]);
  const workers: SpawnedService[] = [];

  const startWorker: GatewayStack['startWorker'] = async (more = {}) => {
    const own = { DATABASE_URL: database.wa_url, API_URL: api.url, WORKER_NAME: randomUUID() };
    const service = await spawnService({
      main: main('wa-worker'),
      env: { ...shared, ...whatsapp.env, ...own, ...more },
    });
    workers.push(service);
    await vi.waitFor(() => expect(service.output()).toContain('registered at the API'), {
      timeout: 30_000,
      interval: 20,
    });
    return service;
  };
  await startWorker();

  const services = (): SpawnedService[] => [...workers, jobs, realtime, api];
  return {
    ...{ backends, whatsapp, objects, api, realtime, jobs, workers, startWorker },
    output: () =>
      services()
        .map((service) => service.output())
        .join('\n'),
    async [Symbol.asyncDispose]() {
      await Promise.all(services().map((service) => service[Symbol.asyncDispose]()));
      await Promise.all([whatsapp.close(), objects[Symbol.asyncDispose](), backends[Symbol.asyncDispose]()]);
      // Whatever a test did, no service may have been surprised by it.
      const surprises = services().flatMap(
        (service) => service.output().match(/^.*"level":"(error|fatal)".*$/gm) ?? [],
      );
      expect(surprises).toEqual([]);
    },
  };
}
