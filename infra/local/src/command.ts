import { spawn } from 'node:child_process';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { openLog } from './log-file.ts';
import { Problem } from './problem.ts';

export interface CommandOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Output is appended here as well, and named when the command fails. */
  log_file?: string;
  uid?: number;
  gid?: number;
}

/** The whole output of a command that ended with 0. Throws a `Problem` with the last lines of it otherwise. */
export async function run(file: string, args: string[], options: CommandOptions = {}): Promise<string> {
  const { code, output } = await tryRun(file, args, options);
  if (code === 0) return output;
  const where = options.log_file ? ` (all of it: ${options.log_file})` : '';
  throw new Problem(
    `${[path.basename(file), ...args].join(' ')} ended with code ${code}${where}:\n${lastLines(output, 15)}`,
  );
}

/** As `run`, but tells the exit code instead of throwing; 127 when there is no such program. */
export async function tryRun(
  file: string,
  args: string[],
  { log_file, ...options }: CommandOptions = {},
): Promise<{ code: number; output: string }> {
  const log = log_file ? createWriteStream(log_file, { fd: openLog(log_file, 'a') }) : undefined;
  log?.write(`$ ${[file, ...args].join(' ')}\n`);
  const chunks: Buffer[] = [];
  const keep = (chunk: Buffer) => {
    chunks.push(chunk);
    log?.write(chunk);
  };
  try {
    const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const code = await new Promise<number>((resolve) => {
      child.on('error', () => resolve(127));
      child.on('close', (exit_code) => resolve(exit_code ?? 1));
    });
    return { code, output: Buffer.concat(chunks).toString('utf8') };
  } finally {
    log?.end();
  }
}

/** The end of a text, for a message. */
export const lastLines = (text: string, count: number): string => text.trimEnd().split('\n').slice(-count).join('\n');

/** The end of a log file; empty when there is none. */
export function tailFile(file: string, count: number): string {
  return existsSync(file) ? lastLines(readFileSync(file, 'utf8'), count) : '';
}
