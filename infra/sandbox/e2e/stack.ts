import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { freePort, startRedis } from '@potentia/db/testing/redis';
import { startService, type Service } from './services.ts';

/** Every service as a process of its own, as `npm start` runs them, on a database and a Redis of their own. */
export interface Stack extends AsyncDisposable {
  database: TestDatabase;
  sandbox: Service;
  api: Service;
  realtime: Service;
  jobs: Service;
  /** Only where it was asked for. */
  wa_worker: Service | undefined;
  anon_key: string;
}

export const DEMO_PASSWORD = 'demo-password';
const KEYS = { SUPABASE_ANON_KEY: 'test-anon-key', SUPABASE_SERVICE_ROLE_KEY: 'test-service-role-key' };

export interface StackOptions {
  /** With a worker that holds WhatsApp sessions. */
  has_whatsapp?: boolean;
}

const TRUST_SANDBOX = new URL('../src/whatsapp/trust-sandbox.mjs', import.meta.url).href;

export async function startStack({ has_whatsapp = false }: StackOptions = {}): Promise<Stack> {
  const cleanups: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  };
  const start = async (...args: Parameters<typeof startService>): Promise<Service> => {
    const service = await startService(...args);
    cleanups.push(() => service.stop());
    return service;
  };
  try {
    const database = await createTestDatabase();
    cleanups.push(() => database.drop());
    const redis = await startRedis();
    cleanups.push(() => redis.stop());
    const names = ['sandbox', 'smtp', 's3', 'whatsapp', 'media', 'api', 'realtime', 'jobs', 'worker'] as const;
    const ports = {} as Record<(typeof names)[number], string>;
    for (const name of names) ports[name] = String(await freePort());
    const urlOf = (name: (typeof names)[number], scheme = 'http') => `${scheme}://127.0.0.1:${ports[name]}`;
    const objects = {
      S3_BUCKET: 'potentia',
      S3_ACCESS_KEY_ID: 'sandbox',
      S3_SECRET_ACCESS_KEY: 'test-secret',
    };
    const shared = {
      ...KEYS,
      ...objects,
      NODE_ENV: 'test',
      LOG_LEVEL: 'warn',
      SUPABASE_URL: urlOf('sandbox'),
      S3_ENDPOINT: urlOf('s3'),
      DATABASE_URL: database.app_url,
      REDIS_URL: redis.url,
      CORS_ORIGINS: urlOf('sandbox'),
      ENCRYPTION_KEYS: `test:${Buffer.alloc(32).toString('base64')}`,
      SERVICE_JWT_SECRETS: 'x'.repeat(32),
      WORKER_WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32).toString('base64')}`,
      IP_RATE_LIMIT: '10000',
    };
    const jobs_only = {
      DATABASE_URL: database.job_url,
      APP_DATABASE_URL: database.app_url,
      SMTP_URL: urlOf('smtp', 'smtp'),
      MAIL_FROM: 'Potentia <no-reply@potentia.example>',
      APP_URL: urlOf('sandbox'),
    };
    const worker_only = {
      DATABASE_URL: database.wa_url,
      API_URL: urlOf('api'),
      WORKER_PUBLIC_URL: urlOf('worker'),
      WHATSAPP_WEB_SOCKET_URL: `${urlOf('whatsapp', 'ws')}/ws/chat`,
      WHATSAPP_SANDBOX_URL: urlOf('sandbox'),
      NODE_OPTIONS: `--import ${TRUST_SANDBOX}`,
    };
    const sandbox_env = {
      ...KEYS,
      ...objects,
      PORT: ports.sandbox,
      SMTP_PORT: ports.smtp,
      S3_PORT: ports.s3,
      WHATSAPP_PORT: ports.whatsapp,
      WHATSAPP_MEDIA_PORT: ports.media,
      SANDBOX_DEMO_PASSWORD: DEMO_PASSWORD,
      API_URL: urlOf('api'),
      REALTIME_URL: urlOf('realtime', 'ws'),
    };
    const [sandbox, api, realtime, jobs, wa_worker] = await Promise.all([
      start('infra/sandbox/src/main.ts', sandbox_env, '/health'),
      start('apps/api/src/main.ts', { ...shared, PORT: ports.api }, '/ready'),
      start('apps/realtime/src/main.ts', { ...shared, PORT: ports.realtime }, '/ready'),
      start('apps/jobs/src/main.ts', { ...shared, ...jobs_only, PORT: ports.jobs }, '/ready'),
      has_whatsapp
        ? start('apps/wa-worker/src/main.ts', { ...shared, ...worker_only, PORT: ports.worker }, '/ready')
        : undefined,
    ]);
    const services = { sandbox, api, realtime, jobs, wa_worker };
    return { database, ...services, anon_key: KEYS.SUPABASE_ANON_KEY, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
