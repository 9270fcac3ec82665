import { runBounded } from './bounded.ts';

/** Milliseconds after which a process stops by itself: its service, which would have killed it, is gone. */
export const MAX_TASK_MS = 10_000;

/** What a process answers to one task. */
export type TaskReply = { answer: unknown } | { error: unknown };

/** The other side of a process pool, called by its script: says that it is there, then answers each task by `work`. */
export function serveTasks(work: (task: unknown) => unknown): void {
  // A Ctrl-C reaches the whole group of processes. The service drains first; this one ends with it.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => undefined);
  process.on('message', (task) => process.send?.(reply(work, task)));
  process.send?.('ready');
}

function reply(work: (task: unknown) => unknown, task: unknown): TaskReply {
  try {
    return { answer: runBounded(MAX_TASK_MS, () => work(task)) };
  } catch (error) {
    return { error };
  }
}
