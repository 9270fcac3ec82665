import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { EnvError, metaOf, parseEnv, redactEnv } from './env.ts';

const schema = z.object({
  PORT: z.coerce.number().int().default(4000).meta({ description: 'Port to listen on' }),
  BASE_URL: z.url('must be a URL').meta({ description: 'Where the other end is' }),
  SERVICE_KEY: z.string().meta({ description: 'Its key', secret: true, aliases: ['OLD_KEY', 'OLDER_KEY'] }),
  NOTE: z.string().optional(),
});
const good = { BASE_URL: 'http://a.test', SERVICE_KEY: 'k-1' };

const problemsOf = (source: Record<string, string>) => {
  try {
    parseEnv('demo', schema, source);
  } catch (error) {
    if (error instanceof EnvError) return error.problems;
    throw error;
  }
  throw new Error('parsed');
};

describe('parseEnv', () => {
  test('reads what is declared, applies defaults, and leaves everything else out', () => {
    expect(parseEnv('demo', schema, { ...good, PATH: '/bin' })).toEqual({ ...good, PORT: 4000 });
  });

  test('reads an alias when the variable itself is not set, and prefers the variable', () => {
    const { SERVICE_KEY, ...rest } = good;
    expect(parseEnv('demo', schema, { ...rest, OLDER_KEY: 'old' }).SERVICE_KEY).toBe('old');
    expect(parseEnv('demo', schema, { ...rest, SERVICE_KEY, OLD_KEY: 'old' }).SERVICE_KEY).toBe('k-1');
    expect(parseEnv('demo', schema, { ...rest, SERVICE_KEY: '', OLD_KEY: 'old' }).SERVICE_KEY).toBe('old');
  });

  test('treats an empty value as not set', () => {
    expect(parseEnv('demo', schema, { ...good, PORT: '', NOTE: '' })).toEqual({ ...good, PORT: 4000 });
    expect(problemsOf({ ...good, BASE_URL: '' })).toMatchObject([{ name: 'BASE_URL', problem: 'missing' }]);
  });

  test('names every variable at fault at once, with its description and aliases', () => {
    expect(problemsOf({ PORT: 'x', BASE_URL: 'nowhere' })).toEqual([
      { name: 'PORT', problem: expect.stringContaining('number') as string, description: 'Port to listen on' },
      { name: 'BASE_URL', problem: 'must be a URL', description: 'Where the other end is' },
      { name: 'SERVICE_KEY', problem: 'missing (OLD_KEY or OLDER_KEY is read too)', description: 'Its key' },
    ]);
  });
});

test('metaOf finds the metadata under optional, default, transform and pipe', () => {
  const inner = z.string().meta({ secret: true, description: 'inner' });
  expect(metaOf(inner.optional())).toMatchObject({ secret: true });
  expect(metaOf(inner.transform((text) => text.length).default(1))).toMatchObject({ secret: true });
  expect(metaOf(inner.pipe(z.string()).meta({ description: 'outer' }))).toMatchObject({
    secret: true,
    description: 'outer',
  });
  expect(metaOf(undefined)).toEqual({});
});

describe('redactEnv', () => {
  test('shows a key id in place of a secret, and the rest as it is', () => {
    const shown = redactEnv(schema, parseEnv('demo', schema, good));
    expect(shown).toEqual({ PORT: 4000, BASE_URL: 'http://a.test', SERVICE_KEY: 'sha256:7c35c5a1' });
  });

  test('keeps the kid of a list of keys', () => {
    const keys = z.object({ KEYS: z.array(z.object({ kid: z.string(), secret: z.string() })).meta({ secret: true }) });
    expect(redactEnv(keys, { KEYS: [{ kid: 'a', secret: 'k-1' }] })).toEqual({
      KEYS: [{ kid: 'a', secret: 'sha256:7c35c5a1' }],
    });
  });
});

describe('loadEnv in a process of its own', () => {
  const run = (env: Record<string, string>) =>
    spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '--eval',
        `import { z } from 'zod';
         import { loadEnv } from ${JSON.stringify(new URL('env.ts', import.meta.url).href)};
         const env = loadEnv('demo', z.object({
           BASE_URL: z.url('must be a URL').meta({ description: 'Where the other end is' }),
           SERVICE_KEY: z.string().min(5, 'too short').meta({ description: 'Its key', secret: true }),
         }));
         console.log(JSON.stringify(env));`,
      ],
      { cwd: import.meta.dirname, env, encoding: 'utf8' },
    );

  test('ends with code 1 and one table of all that is wrong, without values', () => {
    const { status, stdout, stderr } = run({ SERVICE_KEY: 'pst' });
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toBe(
      [
        'demo cannot start: 2 environment variables are missing or wrong.',
        '',
        '  VARIABLE     PROBLEM    WHAT IT IS',
        '  BASE_URL     missing    Where the other end is',
        '  SERVICE_KEY  too short  Its key',
        '',
      ].join('\n'),
    );
  });

  test('warns of a browser variable, ignores it, and goes on', () => {
    const { status, stdout, stderr } = run({
      BASE_URL: 'http://a.test',
      SERVICE_KEY: 'k-123',
      NEXT_PUBLIC_BASE_URL: 'http://b.test',
    });
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ BASE_URL: 'http://a.test', SERVICE_KEY: 'k-123' });
    expect(stderr).toContain('NEXT_PUBLIC_BASE_URL is meant for browsers: demo ignores it.');
    expect(stderr).not.toContain('b.test');
  });
});
