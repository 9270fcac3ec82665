import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const require = createRequire(import.meta.url);
const cruiser = join(root, 'node_modules/.bin/depcruise');
const config = join(root, '.dependency-cruiser.cjs');
const rules = (require(config) as { forbidden: { name: string }[] }).forbidden.map(({ name }) => name);

/** A file that breaks a rule, and what it imports. */
type Planted = [rule: string, file: string, imported: string];

const planted: Planted[] = [
  ['config-imports-nothing-of-ours', 'packages/config/src/a.ts', '@potentia/db/client'],
  ['config-imports-nothing-of-ours', 'packages/config/src/b.ts', '../../domain/src/canvas/get-canvas.ts'],
  ['db-imports-only-config', 'packages/db/src/a.ts', '@potentia/domain/canvas/get-canvas'],
  ['domain-imports-only-db-and-config', 'packages/domain/src/canvas/a.ts', '../../../../apps/api/src/app.ts'],
  ['apps-never-import-each-other', 'apps/realtime/src/a.ts', '../../api/src/app.ts'],
  ['services-never-import-infra', 'apps/api/src/a.ts', '../../../infra/sandbox/src/main.ts'],
  ['sandbox-imports-nothing-of-ours', 'infra/sandbox/src/a.ts', '@potentia/domain/canvas/get-canvas'],
  ['rules-are-pure', 'packages/domain/src/canvas/rules/a.ts', 'node:crypto'],
  ['rules-are-pure', 'packages/domain/src/canvas/rules/b.ts', 'jose'],
  ['rules-are-pure', 'packages/domain/src/canvas/rules/c.ts', '../get-canvas.ts'],
  ['rules-are-pure', 'packages/domain/src/canvas/rules/d.ts', '@potentia/db/client'],
  ['rules-are-pure', 'packages/domain/src/canvas/schemas.ts', '@potentia/db/client'],
  ['servers-only-in-apps', 'packages/domain/src/canvas/b.ts', 'fastify'],
  ['servers-only-in-apps', 'packages/config/src/c.ts', '@fastify/cors'],
  ['servers-only-in-apps', 'packages/domain/src/canvas/c.ts', 'ws'],
  ['bullmq-only-in-jobs', 'apps/api/src/b.ts', 'bullmq'],
  ['bullmq-only-in-jobs', 'packages/domain/src/canvas/d.ts', 'bullmq'],
  ['postgres-only-in-db', 'apps/api/src/c.ts', 'postgres'],
  ['postgres-only-in-db', 'packages/domain/src/canvas/e.ts', 'drizzle-orm'],
  ['vendor-clients-only-in-adapters', 'packages/domain/src/auth/a.ts', '@supabase/supabase-js'],
  ['vendor-clients-only-in-adapters', 'apps/realtime/src/b.ts', 'ioredis'],
  ['vendor-clients-only-in-adapters', 'packages/domain/src/auth/b.ts', '@google/generative-ai'],
  ['vendor-clients-only-in-adapters', 'packages/domain/src/auth/c.ts', 'nodemailer'],
  ['vendor-clients-only-in-adapters', 'packages/domain/src/auth/d.ts', '@aws-sdk/client-s3'],
  ['modules-keep-their-adapters', 'packages/domain/src/canvas/f.ts', '../auth/adapters/supabase.ts'],
  ['adapters-share-redis-alone', 'packages/domain/src/canvas/adapters/h.ts', '../../auth/adapters/supabase.ts'],
  ['libsignal-only-in-wa-worker', 'apps/api/src/d.ts', '@whiskeysockets/baileys'],
  ['libsignal-only-in-wa-worker', 'packages/domain/src/canvas/g.ts', 'libsignal'],
  ['no-test-code-in-services', 'apps/api/src/e.ts', '@potentia/db/testing/database'],
  ['no-dev-dependencies-in-services', 'apps/api/src/f.ts', 'ajv'],
  ['no-undeclared-dependencies', 'apps/api/src/g.ts', 'undeclared'],
  ['no-unresolvable-imports', 'apps/api/src/h.ts', './nowhere.ts'],
  ['no-cycles', 'apps/api/src/i.ts', './j.ts'],
  ['no-barrels-or-drawers', 'apps/api/src/k.ts', './utils.ts'],
];

/** What the rules leave open on purpose. */
const allowed: [file: string, imported: string][] = [
  ['packages/db/src/client.ts', 'postgres'],
  ['packages/db/src/testing/database.ts', '../client.ts'],
  ['packages/domain/src/canvas/get-canvas.ts', '@potentia/db/client'],
  ['packages/domain/src/canvas/rules/rank.ts', 'zod'],
  ['packages/domain/src/canvas/rules/placement.ts', '../schemas.ts'],
  ['packages/domain/src/auth/adapters/supabase.ts', '@supabase/supabase-js'],
  ['packages/domain/src/platform/redis.test.ts', 'ioredis'],
  ['packages/domain/src/platform/adapters/redis.ts', 'ioredis'],
  ['packages/domain/src/canvas/adapters/i.ts', '../../platform/adapters/redis.ts'],
  ['apps/api/src/app.ts', 'fastify'],
  ['apps/api/src/context.ts', '@potentia/domain/auth/adapters/supabase'],
  ['apps/api/src/j.ts', './i.ts'],
  ['apps/api/src/utils.ts', 'zod'],
  ['apps/api/e2e/api.e2e.test.ts', '../../../packages/db/src/testing/database.ts'],
  ['apps/api/bench/page.ts', 'postgres'],
  ['apps/jobs/src/relay.ts', 'bullmq'],
  ['apps/jobs/src/context.ts', 'ioredis'],
  ['apps/wa-worker/src/session.ts', '@whiskeysockets/baileys'],
  ['infra/sandbox/src/main.ts', 'fastify'],
  ['infra/sandbox/src/console.browser.test.ts', '@potentia/domain/canvas/get-canvas'],
  ['infra/sandbox/src/whatsapp.ts', '@whiskeysockets/baileys'],
];

describe('the rules of .dependency-cruiser.cjs', () => {
  const tree = plantTree();
  afterAll(() => {
    rmSync(tree, { recursive: true });
  });
  const found = cruise(tree);

  test.each(planted)('%s: %s imports %s', (rule, file, imported) => {
    expect(found).toContainEqual({ rule, file, imported: imported.replace('node:', '') });
  });

  test('every rule has a planted violation', () => {
    expect(new Set(planted.map(([rule]) => rule))).toEqual(new Set(rules));
  });

  test('an error, not a warning: the command fails', () => {
    expect(run(tree, 'err').status).not.toBe(0);
  });

  test.each(allowed)('%s may import %s', (file, imported) => {
    const about = found.filter((violation) => violation.file === file && violation.imported === imported);
    expect(about.filter(({ rule }) => rule !== 'no-cycles')).toEqual([]);
  });
});

/** A small copy of the house on disk: the workspace packages, stubs of the npm packages, and every file above. */
function plantTree(): string {
  const tree = mkdtempSync(join(tmpdir(), 'dependency-rules-'));
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  };
  const files: [file: string, imported: string][] = [
    ...planted.map(([, file, imported]): [string, string] => [file, imported]),
    ...allowed,
  ];
  for (const [file, imported] of files) write(file, `import '${imported}';\nexport const here = 1;\n`);

  const libraries = [...new Set(files.map(([, imported]) => imported))].filter(
    (name) => !/^(\.|node:|@potentia\/)/.test(name),
  );
  for (const name of libraries) {
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, main: 'main.js' }));
    write(`node_modules/${name}/main.js`, '');
  }
  const declared = libraries.filter((name) => name !== 'undeclared' && name !== 'ajv');
  const manifest = (name: string) => ({
    name,
    exports: { './*': './src/*.ts' },
    dependencies: Object.fromEntries(
      [...declared, '@potentia/config', '@potentia/db', '@potentia/domain'].map((library) => [library, '1']),
    ),
    devDependencies: { ajv: '1' },
  });
  for (const folder of new Set(files.map(([file]) => file.split('/').slice(0, 2).join('/')))) {
    write(`${folder}/package.json`, JSON.stringify(manifest(`@potentia/${folder.split('/')[1]}`)));
  }
  mkdirSync(join(tree, 'node_modules/@potentia'));
  for (const name of ['config', 'db', 'domain']) {
    symlinkSync(relative('node_modules/@potentia', `packages/${name}`), join(tree, 'node_modules/@potentia', name));
  }
  return tree;
}

function run(tree: string, output: string) {
  const args = ['--config', config, '--output-type', output, 'apps', 'packages', 'infra'];
  return spawnSync(cruiser, args, { cwd: tree, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
}

interface CruiseOutput {
  modules: { source: string; dependencies: { module: string; rules?: { name: string; severity: string }[] }[] }[];
}

function cruise(tree: string): { rule: string; file: string; imported: string }[] {
  const { stdout, stderr } = run(tree, 'json');
  if (!stdout) throw new Error(stderr);
  return (JSON.parse(stdout) as CruiseOutput).modules.flatMap(({ source, dependencies }) =>
    dependencies.flatMap(({ module, rules: broken = [] }) =>
      broken
        .filter(({ severity }) => severity === 'error')
        .map(({ name }) => ({ rule: name, file: source, imported: module })),
    ),
  );
}
