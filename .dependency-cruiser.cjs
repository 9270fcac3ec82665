/*
 * Who may import whom (docs/decisions, "Boundaries"). Every rule is an error, and infra/tooling/src/dependency-rules.test.ts
 * plants a violation of each and sees it fire.
 */
const tests = '(\\.test\\.ts$|/testing/|/e2e/|/bench/)';
const npm = (...names) => `(^|/)node_modules/(@types/)?(${names.join('|')})/`;

module.exports = {
  forbidden: [
    {
      name: 'config-imports-nothing-of-ours',
      severity: 'error',
      comment: 'packages/config sets up a process; it knows nothing of what the process is for.',
      from: { path: '^packages/config/' },
      to: { path: '^(apps|infra|packages)/', pathNot: '^packages/config/' },
    },
    {
      name: 'db-imports-only-config',
      severity: 'error',
      from: { path: '^packages/db/' },
      to: { path: '^(apps|infra|packages)/', pathNot: '^packages/(config|db)/' },
    },
    {
      name: 'domain-imports-only-db-and-config',
      severity: 'error',
      from: { path: '^packages/domain/' },
      to: { path: '^(apps|infra|packages)/', pathNot: '^packages/(config|db|domain)/' },
    },
    {
      name: 'apps-never-import-each-other',
      severity: 'error',
      comment: 'Each service deploys on its own. What two of them need is a verb or an adapter in packages/domain.',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'services-never-import-infra',
      severity: 'error',
      comment: 'infra starts services and stands in for the world; nothing that ships depends on it.',
      from: { path: '^apps/', pathNot: tests },
      to: { path: '^infra/' },
    },
    {
      name: 'sandbox-imports-nothing-of-ours',
      severity: 'error',
      comment: 'A stand-in that shares our code agrees with our mistakes. It speaks the wire, as the real one does.',
      from: { path: '^infra/sandbox/', pathNot: tests },
      to: { path: '^(apps|infra|packages)/', pathNot: '^infra/sandbox/' },
    },
    {
      name: 'rules-are-pure',
      severity: 'error',
      comment:
        'Rules and schemas import each other, errors, zod and the library they are about: no IO, clock or random. (A hash is pure, but comes from node:crypto, which also has random.)',
      from: {
        path: '^packages/domain/src/[^/]+/(rules/|schemas\\.ts$)',
        pathNot: [tests, '^packages/domain/src/(webhook/rules/signature|whatsapp/rules/message-id)\\.ts$'],
      },
      to: {
        // The shape of a port is no IO.
        dependencyTypesNot: ['type-only'],
        pathNot: [
          '^packages/domain/src/[^/]+/(rules/|schemas\\.ts$|errors\\.ts$)',
          npm(
            'ipaddr\\.js',
            'ical\\.js',
            'windows-iana',
            'zod',
            'rrule',
            'rrule-temporal',
            'chrono-node',
            // Stemmers and stop words, which are functions and lists.
            '@orama/(stemmers|stopwords)',
            'mdast-util-[^/]+',
            'micromark-[^/]+',
            'mdast',
          ),
        ],
      },
    },
    {
      name: 'servers-only-in-apps',
      severity: 'error',
      comment: 'A verb has four doors; it cannot know which one it was called through.',
      from: { pathNot: '^(apps|infra/sandbox)/' },
      to: { path: npm('fastify', 'fastify-[^/]+', '@fastify/[^/]+', 'ws') },
    },
    {
      name: 'bullmq-only-in-jobs',
      severity: 'error',
      comment:
        'Queue.add hangs while Redis is frozen: requests write outbox rows, and the relay in apps/jobs enqueues them.',
      from: { pathNot: '^apps/jobs/' },
      to: { path: npm('bullmq') },
    },
    {
      name: 'postgres-only-in-db',
      severity: 'error',
      from: { pathNot: '^(packages/db/|apps/[^/]+/bench/)' },
      to: { path: npm('postgres', 'drizzle-orm', 'pg') },
    },
    {
      name: 'vendor-clients-only-in-adapters',
      severity: 'error',
      comment:
        'The rest of the house sees a port. (BullMQ wants its own ioredis connections; tests may look behind a port.)',
      from: { pathNot: ['/adapters/', '^apps/jobs/', tests] },
      to: { path: npm('@supabase/[^/]+', 'ioredis', '@google/generative-ai', 'nodemailer', '@aws-sdk/[^/]+') },
    },
    {
      name: 'modules-keep-their-adapters',
      severity: 'error',
      comment: "Between modules: verbs, queries, rules and ports; another module's adapters are its own business.",
      from: { path: '^packages/domain/src/([^/]+)/', pathNot: [tests, '/adapters/'] },
      to: { path: '^packages/domain/src/[^/]+/adapters/', pathNot: '^packages/domain/src/$1/' },
    },
    {
      name: 'adapters-share-redis-alone',
      severity: 'error',
      comment: 'The same for adapters; but how one speaks to Redis, and for how long, is the same for all that do.',
      from: { path: '^packages/domain/src/([^/]+)/adapters/', pathNot: tests },
      to: {
        path: '^packages/domain/src/[^/]+/adapters/',
        pathNot: ['^packages/domain/src/$1/', '^packages/domain/src/platform/adapters/redis\\.ts$'],
      },
    },
    {
      name: 'libsignal-only-in-wa-worker',
      severity: 'error',
      comment: 'libsignal is GPL-3.0: one service (and the stand-in it is tested against) carries it, and no other.',
      from: { pathNot: '^(apps/wa-worker|infra/sandbox)/' },
      to: { path: npm('@whiskeysockets/baileys', 'baileys', 'libsignal', '@whiskeysockets/libsignal-node') },
    },
    {
      name: 'no-test-code-in-services',
      severity: 'error',
      from: { path: '^(apps|packages)/', pathNot: tests },
      to: { path: '^(apps|packages|infra)/.*(\\.test\\.ts$|/testing/|/e2e/|/bench/)' },
    },
    {
      name: 'no-dev-dependencies-in-services',
      severity: 'error',
      comment: 'Images install production dependencies only.',
      from: { path: '^(apps|packages)/[^/]+/src/', pathNot: tests },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-undeclared-dependencies',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    { name: 'no-unresolvable-imports', severity: 'error', from: {}, to: { couldNotResolve: true } },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-barrels-or-drawers',
      severity: 'error',
      comment: 'A file says in its name what is in it.',
      from: {},
      to: { path: '^(apps|packages|infra)/.*/(index|utils?|helpers?|common|misc)\\.[cm]?[jt]s$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|coverage|\\.local)/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.mts', '.js', '.mjs', '.cjs', '.d.ts', '.json'],
    },
  },
};
