import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { argv, stdout } from 'node:process';
import { runStaticChecks, type CheckResult } from './checks.ts';
import { ensureBrowser } from './install-browser.ts';
import { ensurePgbouncer } from './install-pgbouncer.ts';
import { ensureRedis, withProgram } from './install-redis.ts';
import { local_dir, root } from './paths.ts';
import { Problem } from './problem.ts';
import { isGroupAlive, signalGroup, waitUntil, type Processes } from './processes.ts';
import { step } from './progress.ts';
import { supervise } from './supervise.ts';
import { startThrowAwayPostgres } from './throw-away.ts';
import { countVitest, type Counts, type VitestReport } from './vitest-results.ts';

const LINGER_MS = 3000;

/**
 * `npm test`: every check and every test on services of its own. `npm test -- <vitest's arguments>` runs only the tests
 * that those select, without the static checks and without coverage.
 */
async function test(processes: Processes): Promise<number> {
  const selection = argv.slice(2);
  const started = performance.now();
  const env = await prepareServices(processes);
  let checks: CheckResult[] = [];
  if (selection.length === 0) {
    stdout.write('\nStatic checks\n');
    checks = await runStaticChecks(processes);
    stdout.write('\nTests\n');
  }
  const tests = await runVitest(processes, env, selection);
  const passed = tests.passed + checks.filter((check) => check.passed).length;
  const failed = tests.failed + checks.filter((check) => !check.passed).length;
  const bad = checks.filter((check) => !check.passed).map((check) => check.name);
  const minutes = ((performance.now() - started) / 60_000).toFixed(1);
  stdout.write(`\n${minutes} minutes; ${tests.skipped} tests skipped\n`);
  if (bad.length > 0) stdout.write(`failed checks: ${bad.join(', ')}\n`);
  await processes.stopAll();
  stdout.write(`${passed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

/** The environment of the tests: a superuser of a Postgres to play with, a browser, and the programs they start. */
async function prepareServices(processes: Processes): Promise<NodeJS.ProcessEnv> {
  stdout.write('Services\n');
  const redis = await step('Redis', ensureRedis);
  if (!redis) throw new Problem('The tests start redis-server, and it is not here: install Redis 7 or newer.');
  await step('PgBouncer', ensurePgbouncer);
  const browser = await step('browser', ensureBrowser);
  const postgres =
    process.env.TEST_POSTGRES_URL ?? (await step('Postgres with pgvector', () => startThrowAwayPostgres(processes)));
  return {
    ...process.env,
    TMPDIR: await makeTempDir(processes),
    PATH: withProgram(process.env.PATH, redis),
    CHROME_PATH: browser,
    TEST_POSTGRES_URL: postgres,
  };
}

/** Where the tests put what they forget, or have no time to remove when they are interrupted. */
async function makeTempDir(processes: Processes): Promise<string> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'potentia-test-'));
  processes.afterwards(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  // PgBouncer, which refuses to be root, reads its settings in there.
  await chmod(dir, 0o755);
  return dir;
}

async function runVitest(processes: Processes, env: NodeJS.ProcessEnv, selection: string[]): Promise<Counts> {
  const report_file = path.join(local_dir, 'vitest.json');
  await rm(report_file, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report_file}`];
  const scope = selection.length > 0 ? selection : ['--coverage'];
  const program = path.join(root, 'node_modules/vitest/vitest.mjs');
  const vitest = await processes.start({
    name: 'vitest',
    file: process.execPath,
    args: [program, 'run', ...reporters, ...scope],
    cwd: root,
    env,
  });
  const { code } = await vitest.exited;
  if (processes.isStopping()) throw new Problem('The tests were interrupted.');
  const all_gone = await waitUntil(async () => !(await isGroupAlive(vitest.pid)), LINGER_MS);
  if (!all_gone) {
    stdout.write('\nA test left processes running; they were ended.\n');
    signalGroup(vitest.pid, 'SIGKILL');
  }
  const report = existsSync(report_file) ? (JSON.parse(readFileSync(report_file, 'utf8')) as VitestReport) : undefined;
  const counts = countVitest(report, code);
  if (!report) stdout.write(`\nvitest ended with code ${code} and no report.\n`);
  else if (counts.failed > 0 && report.numFailedTests === 0) {
    stdout.write(
      '\nNo test failed, but the run did: a file, a stray error, or coverage under its thresholds (above).\n',
    );
  }
  return counts;
}

await supervise(test, { interrupted_code: 130 });
