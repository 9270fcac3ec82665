import { EnvError, metaOf, parseEnv } from '@potentia/config/env';
import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import { NO_OBJECTS } from '@potentia/config/testing/object-env';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { schema } from './config.ts';

const required = {
  DATABASE_URL: 'postgres://app_user:pw@127.0.0.1:5432/potentia',
  REDIS_URL: 'redis://127.0.0.1:6379',
  SUPABASE_URL: 'https://project.supabase.co/',
  SUPABASE_ANON_KEY: 'anon',
  SUPABASE_SERVICE_KEY: 'service',
  ENCRYPTION_KEYS: `test:${Buffer.alloc(32).toString('base64')}`,
  ...GATEWAY_SECRETS,
  ...NO_OBJECTS,
};
const read = (more: Record<string, string> = {}) => parseEnv('api', schema, { ...required, ...more });

test('what has no default is enough to start', () => {
  expect(read()).toMatchObject({ PORT: 4000, IP_RATE_LIMIT: 200, SUPABASE_SERVICE_ROLE_KEY: 'service' });
});

test.each(Object.entries(schema.shape))('%s is described', (_name, field) => {
  expect(metaOf(field).description).toBeTruthy();
});

describe('RATE_LIMITS', () => {
  test('by default holds 600 requests a minute, and less of what is dear', () => {
    const minute = { limit: 30, window_ms: 60_000 };
    expect(read().RATE_LIMITS).toEqual([
      { limit: 600, window_ms: 60_000 },
      { method: 'POST', route: '/api/v1/canvases/:canvas_id/import', ...minute, burst: 5 },
      { method: 'GET', route: '/api/v1/canvases/:canvas_id/export', ...minute, burst: 5 },
      { method: 'POST', route: '/api/v1/auth/refresh', ...minute },
      { method: 'GET', route: '/api/v1/search', ...minute, limit: 240, burst: 40 },
      { method: 'POST', route: '/api/v1/whatsapp/sessions/:session_id/messages', ...minute, limit: 3_000, burst: 300 },
      { method: 'POST', route: '/api/v1/whatsapp/sessions/:session_id/contacts/check', ...minute },
      { method: 'POST', route: '/api/v1/whatsapp/qr-page', ...minute, limit: 120 },
      { method: 'POST', route: '/api/v1/canvases/:canvas_id/share-links', ...minute, burst: 10 },
    ]);
  });

  test('is rules in JSON', () => {
    const rules = [{ tenant: 't', method: 'post', route: '/x', limit: 10, window_ms: 1000, burst: 2 }];
    expect(read({ RATE_LIMITS: JSON.stringify(rules) }).RATE_LIMITS).toEqual([{ ...rules[0], method: 'POST' }]);
  });
});

test.each([
  ['window_ms', '[{"limit":1,"window_ms":86400001}]', 86_400_000],
  ['window_ms', '[{"limit":1}]', 86_400_000],
  ['limit', '[{"limit":1e15,"window_ms":1000}]', 1_000_000_000],
  ['burst', '[{"limit":1,"window_ms":1000,"burst":0}]', 1_000_000_000],
])('names the %s at fault of a rule', (name, RATE_LIMITS, max) => {
  expect(() => read({ RATE_LIMITS })).toThrow(`${name} must be a whole number from 1 to ${max}`);
});

test.each([
  ['RATE_LIMITS', '{"limit":1'],
  ['RATE_LIMITS', '[]'],
  ['RATE_LIMITS', '[{"limit":1,"window_ms":1,"windw":2}]'],
  ['ENABLE_DEBUG_ECHO', '2'],
])('refuses %s=%s', (name, value) => {
  expect(() => read({ [name]: value })).toThrow(
    expect.objectContaining({ problems: [expect.objectContaining({ name })] }),
  );
});

test('whatever is wrong with a value, the message does not show it', () => {
  const name = fc.constantFrom(...Object.keys(schema.shape));
  const value = fc
    .oneof(fc.string(), fc.constantFrom('{"limit":"%"}', '[{"window_ms":"%"}]', 'http://%'))
    .map((text) => (text.includes('%') ? text.replace('%', 'pst-1') : `pst-1${text}`));
  fc.assert(
    fc.property(fc.dictionary(name, value), (more) => {
      try {
        read(more);
      } catch (error) {
        expect(error).toBeInstanceOf(EnvError);
        expect((error as Error).message).not.toContain('pst-1');
      }
    }),
  );
});
