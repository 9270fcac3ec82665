import { stderr, stdout } from 'node:process';
import { createProcesses, type Processes } from './processes.ts';
import { describeError } from './problem.ts';
import { noteStopping } from './progress.ts';

/**
 * Runs a command's work and ends this process with the exit code it returns. Whatever happens (an error, a signal, the
 * end of whoever started us), everything the work started is stopped first.
 */
export async function supervise(
  work: (processes: Processes) => Promise<number>,
  { interrupted_code }: { interrupted_code: number },
): Promise<never> {
  const processes = createProcesses();
  const interrupted = new Promise<'interrupted'>((resolve) => {
    const interrupt = () => resolve('interrupted');
    // One Ctrl-C arrives several times: from the terminal, from npm and from the script in between.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
    process.once('disconnect', interrupt);
  });
  const outcome = work(processes).catch((error: unknown) => {
    // What fails because it is being stopped is no news.
    if (!processes.isStopping()) stderr.write(`\n${describeError(error)}\n`);
    return 1;
  });
  const first = await Promise.race([outcome, interrupted]);
  noteStopping();
  if (first === 'interrupted') stdout.write('\nStopping …\n');
  await processes.stopAll();
  if (first === 'interrupted') stdout.write('Stopped.\n');
  const code = first === 'interrupted' ? interrupted_code : first;
  // Told as well as shown, for the script that handed over (hand-over.mjs).
  process.send?.(code);
  process.exit(code);
}
