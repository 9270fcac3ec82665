import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const integration = ['**/*.pg.test.ts', '**/*.redis.test.ts'];
const e2e = ['**/e2e/**/*.e2e.test.ts'];
const browser = ['**/*.browser.test.ts'];
const never = ['**/node_modules/**', '**/dist/**', '.local/**'];

export default defineConfig({
  test: {
    // Most files wait for Postgres, Redis and services more than they compute: on two cores one worker took three times as long.
    maxWorkers: Math.max(4, availableParallelism() - 1),
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: [...never, ...integration, ...e2e, ...browser],
          // Properties of parsers take seconds where many test files share few cores.
          testTimeout: 20_000,
        },
      },
      { extends: true, test: { name: 'integration', include: integration, exclude: never, testTimeout: 20_000 } },
      { extends: true, test: { name: 'e2e', include: e2e, exclude: never, testTimeout: 60_000, hookTimeout: 60_000 } },
      {
        extends: true,
        test: { name: 'browser', include: browser, exclude: never, testTimeout: 60_000, hookTimeout: 60_000 },
      },
    ],
    coverage: {
      provider: 'v8',
      include: ['apps/*/src/**/*.ts', 'packages/*/src/**/*.ts', 'infra/sandbox/src/**/*.ts'],
      exclude: ['**/*.test.ts', '**/main.ts', '**/testing/**'],
      reporter: ['text-summary', 'lcov', 'json-summary'],
      reportsDirectory: 'coverage',
      thresholds: { lines: 80, branches: 75, functions: 75, statements: 80 },
    },
  },
});
