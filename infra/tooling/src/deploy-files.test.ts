import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { schema as api } from '@potentia/api/config';
import { parseEnv } from '@potentia/config/env';
import { bootstrapSchema, migrateSchema } from '@potentia/db/config';
import { schema as jobs } from '@potentia/jobs/config';
import { schema as realtime } from '@potentia/realtime/config';
import { schema as wa_worker } from '@potentia/wa-worker/config';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import type { z } from 'zod';

const root = resolve(import.meta.dirname, '../../..');
const text = (path: string): string => readFileSync(resolve(root, path), 'utf8');
const apps: [string, z.ZodObject][] = [
  ['api', api],
  ['realtime', realtime],
  ['jobs', jobs],
  ['wa-worker', wa_worker],
];

/** What somebody fills in, where any text or URL would not do. */
const FILLED_IN: Record<string, string> = {
  DATABASE_URL: 'postgres://a',
  REDIS_URL: 'redis://a',
  APP_DATABASE_URL: 'postgres://a',
  S3_BUCKET: 'bucket',
  S3_ENDPOINT: 'http://a',
  ENCRYPTION_KEYS: `one:${Buffer.alloc(32).toString('base64')}`,
  SERVICE_JWT_SECRETS: 'x'.repeat(32),
  WORKER_WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32).toString('base64')}`,
};

/** What compose makes of `${NAME:?}`, `${NAME:-default}`, for someone who filled in what must be filled in. */
const interpolate = (value: string): string =>
  value.replace(/\$\{(\w+):(?:-([^}]*)|\?)\}/g, (_all, name: string, preset?: string) =>
    preset === undefined
      ? (FILLED_IN[name] ?? (name.endsWith('_URL') ? 'http://supabase.test' : 'x'.repeat(32)))
      : preset,
  );

const fillIn = (environment: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, interpolate(value)]));

describe('compose.yaml', () => {
  const compose = parse(text('infra/compose/compose.yaml'), { merge: true }) as {
    services: Record<string, { build?: { args?: { APP?: string } }; environment: Record<string, string> }>;
  };

  test.each(apps)('gives %s an environment that it starts with, and nothing it does not know', (app, schema) => {
    const { build, environment } = compose.services[app]!;
    expect(build?.args?.APP).toBe(app);
    expect(() => parseEnv(app, schema, fillIn(environment))).not.toThrow();
    expect(Object.keys(environment).filter((name) => !(name in schema.shape))).toEqual([]);
  });

  test('gives the migration what it needs', () => {
    const filled = fillIn(compose.services['migrate']!.environment);
    expect(parseEnv('bootstrap', bootstrapSchema, filled).POSTGRES_DATABASE).toBe('potentia');
    expect(() => parseEnv('migrate', migrateSchema, filled)).not.toThrow();
  });

  test('asks for every variable that .env.example names, and for no other', () => {
    const asked = new Set(text('infra/compose/compose.yaml').match(/(?<=[^$]\$\{)\w+/g));
    const offered = text('infra/compose/.env.example').match(/^(?:# )?(\w+)(?==)/gm)!;
    const names = new Set(offered.map((line) => line.replace('# ', '')));
    expect(asked.difference(names)).toEqual(new Set(['API_PORT', 'REALTIME_PORT']));
    expect(names.difference(asked)).toEqual(new Set());
  });
});

describe('k8s', () => {
  test.each(globSync('infra/k8s/**/*.yaml', { cwd: root }))('%s is YAML', (path) => {
    for (const document of parseAllDocuments(text(path))) expect(document.errors).toEqual([]);
  });

  test.each(apps)('the base and the Secret that is asked for are an environment that %s starts with', (app, schema) => {
    const base = parse(text('infra/k8s/base/kustomization.yaml')) as { configMapGenerator: { literals: string[] }[] };
    const literals = base.configMapGenerator.flatMap((generator) => generator.literals.map((item) => item.split('=')));
    const config = Object.fromEntries(literals) as Record<string, string>;
    const secret = /made by whoever deploys: (.*)\.$/m
      .exec(text(`infra/k8s/${app}/kustomization.yaml`))![1]!
      .split(', ');
    const values = Object.fromEntries(secret.map((name) => [name, FILLED_IN[name] ?? 'http://a']));
    expect(Object.keys(config).filter((name) => !(name in schema.shape))).toEqual([]);
    expect(() => parseEnv(app, schema, { ...config, ...values })).not.toThrow();
  });
});

test('the dashboard shows only metrics that a service has', () => {
  const files = globSync(['apps/*/src/**/*.ts', 'packages/*/src/**/*.ts'], { cwd: root });
  const source = files.map(text).join('\n');
  const shown = new Set(text('infra/grafana/potentia.json').match(/\b(potentia|ws)_\w+/g));
  // Of some the source names the beginning in one place and the rest in another.
  const beginnings = [...source.matchAll(/`(potentia_\w+_)\$\{name\}`/g)].map(([, beginning = '']) => beginning);
  const isNamed = (name: string): boolean =>
    source.includes(`'${name}'`) ||
    beginnings.some((start) => name.startsWith(start) && source.includes(`'${name.slice(start.length)}'`));
  const missing = [...shown].filter((name) => !isNamed(name.replace(/_(bucket|count|sum)$/, '')));
  expect(shown.size).toBeGreaterThan(10);
  expect(missing).toEqual([]);
});
