import { readFileSync } from 'node:fs';
import { stdout } from 'node:process';
import path from 'node:path';
import { lastLines } from './command.ts';
import { bin_dir, logFile, root } from './paths.ts';
import type { Processes } from './processes.ts';
import { stepLine } from './progress.ts';

/** The root package's scripts that look at the code without running it. */
const STATIC_CHECKS = ['lint', 'typecheck', 'deps', 'knip'] as const;
const SHOWN_LINES = 100;

export interface CheckResult {
  name: string;
  passed: boolean;
}

/** Runs the static checks beside each other; says how each ended, and shows what a failed one printed. */
export async function runStaticChecks(processes: Processes): Promise<CheckResult[]> {
  return Promise.all(STATIC_CHECKS.map((name) => runCheck(processes, name)));
}

async function runCheck(processes: Processes, name: string): Promise<CheckResult> {
  const started = performance.now();
  const log_file = logFile(`test-${name}`);
  const args = ['run', '--silent', name];
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1' };
  const check = await processes.start({ name, file: path.join(bin_dir, 'pnpm'), args, cwd: root, env, log_file });
  const passed = (await check.exited).code === 0;
  stdout.write(`${stepLine(passed ? name : `${name} FAILED`, performance.now() - started)}\n`);
  if (!passed) {
    const output = lastLines(readFileSync(log_file, 'utf8'), SHOWN_LINES).replace(/^/gm, '    ');
    stdout.write(`${output}\n    (all of it: ${log_file})\n`);
  }
  return { name, passed };
}
