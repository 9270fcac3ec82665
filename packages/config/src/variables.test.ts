import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { EnvError, metaOf, parseEnv } from './env.ts';
import {
  authVariables,
  httpVariables,
  postgresVariables,
  redisVariables,
  telemetryVariables,
  tokenSettings,
  tokenVariables,
  trustProxy,
} from './variables.ts';

const schema = z.object({
  ...httpVariables(4000),
  ...postgresVariables,
  ...redisVariables,
  ...authVariables,
  ...telemetryVariables,
});

const required = {
  DATABASE_URL: 'postgres://app_user:pw@127.0.0.1:5432/potentia',
  REDIS_URL: 'redis://127.0.0.1:6379',
  SUPABASE_URL: 'https://project.supabase.co/',
  SUPABASE_ANON_KEY: 'anon',
  SUPABASE_SERVICE_KEY: 'service',
};
const read = (more: Record<string, string> = {}) => parseEnv('api', schema, { ...required, ...more });
const namesAtFault = (more: Record<string, string>) => {
  try {
    read(more);
  } catch (error) {
    if (error instanceof EnvError) return error.problems.map(({ name }) => name);
    throw error;
  }
  return [];
};

test('five variables are enough to start', () => {
  expect(read()).toEqual({
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: 4000,
    CORS_ORIGINS: [],
    TRUST_PROXY: 0,
    LOG_LEVEL: 'info',
    SHUTDOWN_TIMEOUT_MS: 10_000,
    DATABASE_URL: required.DATABASE_URL,
    DATABASE_POOL_SIZE: 10,
    DATABASE_TIMEOUT_MS: 800,
    DATABASE_PREPARE: true,
    REDIS_URL: required.REDIS_URL,
    REDIS_TIMEOUT_MS: 50,
    SUPABASE_URL: 'https://project.supabase.co',
    SUPABASE_ANON_KEY: 'anon',
    SUPABASE_SERVICE_ROLE_KEY: 'service',
    SUPABASE_JWT_AUDIENCE: 'authenticated',
  });
});

test.each(Object.entries(schema.shape))('%s is described', (_name, field) => {
  expect(metaOf(field).description).toBeTruthy();
});

test.each([
  'DATABASE_URL',
  'REDIS_URL',
  'SUPABASE_ANON_KEY',
  'SUPABASE_SERVICE_ROLE_KEY',
  'SUPABASE_JWT_SECRETS',
] as const)('%s is a secret', (name) => {
  expect(metaOf(schema.shape[name]).secret).toBe(true);
});

describe('lists', () => {
  test('origins and the nodes of a cluster are comma-separated', () => {
    const env = read({
      CORS_ORIGINS: 'https://a.test, http://localhost:3000,',
      REDIS_URL: 'redis://a:1 , rediss://b:2',
    });
    expect(env.CORS_ORIGINS).toEqual(['https://a.test', 'http://localhost:3000']);
    expect(env.REDIS_URL).toBe('redis://a:1,rediss://b:2');
  });

  test('several JWT secrets are valid at once, with or without a kid', () => {
    const a = 'a'.repeat(32);
    const b = 'b'.repeat(40);
    expect(read({ SUPABASE_JWT_SECRETS: `${a},k2:${b}` }).SUPABASE_JWT_SECRETS).toEqual([
      { secret: a },
      { kid: 'k2', secret: b },
    ]);
  });

  test('JWT secrets in JSON may hold commas and colons', () => {
    const secrets = [{ kid: 'k1', secret: `a,b:${'c'.repeat(32)}` }, { secret: `d:${'e,'.repeat(16)}` }];
    expect(read({ SUPABASE_JWT_SECRETS: JSON.stringify(secrets) }).SUPABASE_JWT_SECRETS).toEqual(secrets);
  });
});

test.each([
  ['PORT', '70000'],
  ['PORT', '0x10'],
  ['TRUST_PROXY', '-1'],
  ['CORS_ORIGINS', 'https://a.test/path'],
  ['CORS_ORIGINS', '*'],
  ['DATABASE_URL', 'mysql://a'],
  ['DATABASE_PREPARE', 'maybe'],
  ['REDIS_URL', 'redis://a,http://b'],
  ['REDIS_URL', ','],
  ['SUPABASE_URL', 'project.supabase.co'],
  ['SUPABASE_JWT_SECRETS', 'short'],
  ['SUPABASE_JWT_SECRETS', '["a secret of thirty-two characters"]'],
  ['SUPABASE_JWT_SECRETS', '[{"secret":"short"}]'],
  ['SUPABASE_JWT_SECRETS', '[{"secret":"a secret of thirty-two characters"'],
  ['NODE_ENV', 'prod'],
])('refuses %s=%s', (name, value) => {
  expect(namesAtFault({ [name]: value })).toEqual([name]);
});

test('a service that only verifies tokens needs no key', () => {
  const env = parseEnv('verifier', z.object(tokenVariables), { SUPABASE_URL: required.SUPABASE_URL });
  expect(env).toEqual({ SUPABASE_URL: 'https://project.supabase.co', SUPABASE_JWT_AUDIENCE: 'authenticated' });
});

test('the issuer follows the project unless it is set', () => {
  expect(tokenSettings(read())).toEqual({
    supabase_url: 'https://project.supabase.co',
    issuer: 'https://project.supabase.co/auth/v1',
    audience: 'authenticated',
    secrets: [],
  });
  expect(tokenSettings(read({ SUPABASE_JWT_ISSUER: 'https://i.test' })).issuer).toBe('https://i.test');
});

test('as many proxies are trusted as there are', () => {
  expect(trustProxy({ TRUST_PROXY: 0 })).toBe(false);
  const trusts = trustProxy({ TRUST_PROXY: 2 });
  expect([0, 1, 2].map((hop) => trusts && trusts('10.0.0.1', hop))).toEqual([true, true, false]);
});

test('whatever is wrong with a value, the message does not show it', () => {
  const name = fc.constantFrom(...Object.keys(schema.shape));
  const value = fc
    .oneof(fc.string(), fc.constantFrom('http://%'))
    .map((text) => (text.includes('%') ? text.replace('%', 'pst-1') : `pst-1${text}`));
  fc.assert(
    fc.property(fc.dictionary(name, value), (more) => {
      try {
        read(more);
      } catch (error) {
        expect((error as Error).message).not.toContain('pst-1');
      }
    }),
  );
});
