import path from 'node:path';
import { argv, env, execPath } from 'node:process';
import { ensureRedis, withProgram } from './install-redis.ts';
import { bin_dir, root } from './paths.ts';
import { Problem } from './problem.ts';
import type { Processes } from './processes.ts';
import { step } from './progress.ts';
import { supervise } from './supervise.ts';
import { startThrowAwayPostgres } from './throw-away.ts';

/** `npm run bench`: the benches of every package, or those whose files are named, one after the other, on services of their own. */
async function bench(processes: Processes): Promise<number> {
  const redis = await step('Redis', ensureRedis);
  if (!redis) throw new Problem('The benches start redis-server, and it is not here: install Redis 7 or newer.');
  const postgres =
    env.TEST_POSTGRES_URL ?? (await step('Postgres with pgvector', () => startThrowAwayPostgres(processes, 'benches')));
  const pnpm = path.join(root, 'node_modules/pnpm/bin/pnpm.cjs');
  const named = argv.slice(2).map((file) => [path.resolve(root, file)]);
  const runs = named.length > 0 ? named : [[pnpm, '--recursive', '--workspace-concurrency=1', 'run', 'bench']];
  for (const args of runs) {
    const running = await processes.start({
      name: 'bench',
      file: execPath,
      args,
      cwd: root,
      env: { ...env, PATH: `${bin_dir}${path.delimiter}${withProgram(env.PATH, redis)}`, TEST_POSTGRES_URL: postgres },
    });
    const { code } = await running.exited;
    if (code !== 0) return code ?? 1;
  }
  return 0;
}

await supervise(bench, { interrupted_code: 130 });
