import { schema as api } from '@potentia/api/config';
import { parseEnv } from '@potentia/config/env';
import { schema as jobs } from '@potentia/jobs/config';
import { schema as realtime } from '@potentia/realtime/config';
import { schema as wa_worker } from '@potentia/wa-worker/config';
import { describe, expect, it } from 'vitest';
import { planServices } from './services.ts';

const ports = {
  api: 1,
  realtime: 2,
  jobs: 3,
  'wa-worker': 4,
  sandbox: 5,
  smtp: 9,
  s3: 8,
  whatsapp: 10,
  'whatsapp-media': 11,
  postgres: 6,
  redis: 7,
};
const connections = {
  database_urls: {
    superuser: 'postgres://root@localhost/x',
    app_user: 'postgres://app@localhost/x',
    job_user: 'postgres://job@localhost/x',
    wa_user: 'postgres://wa@localhost/x',
  },
  redis_url: 'redis://127.0.0.1:7',
  supabase: { url: 'http://127.0.0.1:5', anon_key: 'anon', service_role_key: 'service' },
  objects: {
    S3_ENDPOINT: 'http://127.0.0.1:8',
    S3_BUCKET: 'potentia',
    S3_ACCESS_KEY_ID: 'sandbox',
    S3_SECRET_ACCESS_KEY: 'secret',
  },
  mail: { SMTP_URL: 'smtp://127.0.0.1:9', MAIL_FROM: 'a@example.com', APP_URL: 'http://127.0.0.1:5' },
  encryption_keys: `local:${Buffer.alloc(32).toString('base64')}`,
  gateway: {
    SERVICE_JWT_SECRETS: 's'.repeat(32),
    WORKER_WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32).toString('base64')}`,
  },
  demo_password: 'demo',
};
const shell = {
  PATH: '/bin',
  HOME: '/home/ada',
  SHELL_SECRET: 'no business of theirs',
  DATABASE_URL: 'postgres://elsewhere/x',
  LOG_LEVEL: 'debug',
  RATE_LIMITS: '[{"limit":5,"window_ms":1000}]',
  SUPABASE_JWT_AUDIENCE: 'somebody',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
  OTEL_EXPORTER_OTLP_HEADERS: 'a=b',
};
const env = (name: string) => planServices(ports, connections, shell).find((plan) => plan.name === name)?.env ?? {};

describe('the environment of a service', () => {
  it.each<[string, Parameters<typeof parseEnv>[1]]>([
    ['api', api],
    ['realtime', realtime],
    ['jobs', jobs],
    ['wa-worker', wa_worker],
  ])('of %s is one that it starts with, and has little that it does not declare', (name, schema) => {
    expect(() => parseEnv(name, schema, env(name))).not.toThrow();
    const undeclared = Object.keys(env(name)).filter((key) => !(key in schema.shape));
    const of_the_sandbox = name === 'wa-worker' ? ['WHATSAPP_SANDBOX_URL', 'NODE_OPTIONS'] : [];
    expect(undeclared).toEqual(['PATH', 'HOME', 'OTEL_EXPORTER_OTLP_HEADERS', ...of_the_sandbox]);
  });

  it('of wa-worker takes the sandbox for WhatsApp, unless the shell names one', () => {
    expect(env('wa-worker')).toMatchObject({
      WHATSAPP_WEB_SOCKET_URL: 'ws://127.0.0.1:10/ws/chat',
      WHATSAPP_SANDBOX_URL: 'http://127.0.0.1:5',
      NODE_OPTIONS: expect.stringMatching(/^--import file:.*trust-sandbox\.mjs$/) as string,
    });
    const real = { ...shell, WHATSAPP_WEB_SOCKET_URL: 'wss://web.whatsapp.com/ws/chat' };
    const plan = planServices(ports, connections, real).find(({ name }) => name === 'wa-worker');
    expect(plan?.env).toMatchObject({ WHATSAPP_WEB_SOCKET_URL: real.WHATSAPP_WEB_SOCKET_URL });
    expect(plan?.env).not.toHaveProperty('NODE_OPTIONS');
  });

  it('of wa-worker names no address, so that a second one from the same file is reached at its own', () => {
    expect(env('wa-worker')).not.toHaveProperty('WORKER_PUBLIC_URL');
  });

  it('takes what the shell says where it is declared, but not over what this tree runs', () => {
    expect(env('api')).toMatchObject({ RATE_LIMITS: shell.RATE_LIMITS, LOG_LEVEL: 'debug' });
    expect(env('jobs')).toMatchObject({ OTEL_EXPORTER_OTLP_ENDPOINT: shell.OTEL_EXPORTER_OTLP_ENDPOINT });
    expect(env('jobs')).not.toHaveProperty('RATE_LIMITS');
    expect(env('api')['DATABASE_URL']).toBe(connections.database_urls.app_user);
  });

  it('holds the keys of Supabase only where they are used', () => {
    const holders = planServices(ports, connections, shell).filter((plan) => 'SUPABASE_SERVICE_ROLE_KEY' in plan.env);
    expect(holders.map(({ name }) => name)).toEqual(['sandbox', 'api']);
    expect(env('realtime')).toMatchObject({
      SUPABASE_URL: connections.supabase.url,
      SUPABASE_JWT_AUDIENCE: 'somebody',
    });
    expect(env('sandbox')).not.toHaveProperty('SHELL_SECRET');
  });

  it('leads to the language model of the sandbox when its key is given, and to no model without one', () => {
    const [, api_plan] = planServices(ports, connections, { ...shell, GEMINI_API_KEY: 'sandbox' });
    expect(api_plan?.env).toMatchObject({ GEMINI_API_KEY: 'sandbox', GEMINI_BASE_URL: 'http://127.0.0.1:5' });
    expect(env('api')).not.toHaveProperty('GEMINI_BASE_URL');
    const real = { GEMINI_API_KEY: 'AIza', GEMINI_BASE_URL: 'http://127.0.0.1:99' };
    const [sandbox, elsewhere] = planServices(ports, connections, { ...shell, ...real });
    expect(elsewhere?.env).toMatchObject(real);
    expect(sandbox?.env).not.toHaveProperty('GEMINI_API_KEY');
  });
});
