import { stdout } from 'node:process';

const QUIET_MS = 2000;

let failed = 'failed';

/** From now on a step that fails does so because everything is being stopped, and is shown as stopped. */
export function noteStopping(): void {
  failed = 'stopped';
}

/** `  3.2s name`: how a finished step reads. */
export function stepLine(name: string, elapsed_ms: number): string {
  return `  ${`${(elapsed_ms / 1000).toFixed(1)}s`.padStart(6)} ${name}`;
}

/** Runs a step and prints one line for it, with the time it took, when it is over. For steps beside each other. */
export async function timed<T>(name: string, work: () => Promise<T>, clear = ''): Promise<T> {
  const started = performance.now();
  try {
    const result = await work();
    stdout.write(`${clear}${stepLine(name, performance.now() - started)}\n`);
    return result;
  } catch (error) {
    stdout.write(`${clear}  ${failed} ${name}\n`);
    throw error;
  }
}

/** As `timed`; while it runs, a terminal shows its name, and a log names it once it takes long enough to be missed. */
export async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  const pending = `       … ${name}`;
  if (stdout.isTTY) stdout.write(pending);
  const notice = stdout.isTTY ? undefined : setTimeout(() => stdout.write(`${pending}\n`), QUIET_MS);
  try {
    return await timed(name, work, stdout.isTTY ? '\r\x1b[K' : '');
  } finally {
    clearTimeout(notice);
  }
}
