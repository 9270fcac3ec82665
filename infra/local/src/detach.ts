import { spawn } from 'node:child_process';
import { closeSync, readSync } from 'node:fs';
import path from 'node:path';
import { stdout } from 'node:process';
import { openLog } from './log-file.ts';
import { logFile, root } from './paths.ts';
import { readState } from './state.ts';

const POLL_MS = 100;

/**
 * Starts everything under a supervisor in the background, shows what that prints until all is ready, and leaves it
 * running. Answers the exit code: the supervisor's own when it ended before.
 */
export async function detach(args: string[]): Promise<number> {
  const log = openLog(logFile('start'), 'w+');
  const script = path.join(root, 'infra/local/src/start.ts');
  const supervisor_args = [script, ...args.filter((arg) => arg !== '--detach'), '--detached'];
  const child = spawn(process.execPath, supervisor_args, { detached: true, cwd: root, stdio: ['ignore', log, log] });
  child.unref();
  const interrupt = () => child.kill('SIGTERM');
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
  process.once('disconnect', interrupt);
  let ended: number | undefined;
  child.on('exit', (code) => (ended = code ?? 1));
  let shown = 0;
  for (;;) {
    const state = readState();
    const over = ended !== undefined || (state?.phase === 'ready' && state.supervisor.pid === child.pid);
    shown += showFrom(log, shown);
    if (over) break;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  closeSync(log);
  return ended ?? 0;
}

/** Prints what the file holds from a position on; answers how many bytes that was. */
function showFrom(file: number, position: number): number {
  const buffer = Buffer.alloc(65_536);
  const length = readSync(file, buffer, 0, buffer.length, position);
  if (length > 0) stdout.write(buffer.subarray(0, length));
  return length;
}
