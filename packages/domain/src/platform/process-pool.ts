import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Logger } from '@potentia/config/logger';
import type { TaskReply } from './serve-tasks.ts';

/** Milliseconds for a process to start and load its script. */
const START_MS = 5_000;
/** Characters kept of what a process wrote to stderr. */
const STDERR_TAIL = 2_000;

export interface ProcessPoolOptions {
  /** What runs in each process: it calls `serveTasks`. */
  script: URL;
  /**
   * Processes at most. Each is started when it is first needed and does one task at a time. One owner has at most all but
   * one of them.
   */
  size: number;
  /** Tasks that may wait for a process. One more costs the owner with most of them its latest. */
  max_waiting: number;
  /** Milliseconds that a task may wait for a process. */
  wait_ms: number;
  /** Milliseconds for one task, at most MAX_TASK_MS; the process is killed past them. */
  task_ms: number;
  /** Megabytes of a process's heap. It aborts when it needs more. */
  heap_mb: number;
  log: Logger;
}

export interface ProcessPool {
  /**
   * What a process answers to `task`; `owner` is whose task it is, so that nobody takes the pool from the others. Throws
   * PoolBusy; ProcessEnded; what the work threw, as a plain Error.
   */
  ask(task: object, owner: string): Promise<unknown>;
  /** Kills the processes. What they were at throws ProcessEnded, what waits PoolBusy. */
  close(): Promise<void>;
}

/** Every process has its task, and there is no place to wait or none became free in time. */
export class PoolBusy extends Error {}

/** The process ended before it answered: for its task, or for a reason of its own. */
export class ProcessEnded extends Error {
  readonly reason: 'too_long' | 'out_of_memory' | 'crashed';

  constructor(reason: ProcessEnded['reason']) {
    super(`The process ended before it answered: ${reason}`);
    this.reason = reason;
  }
}

interface Slot {
  child: ChildProcess | undefined;
}

interface Waiting {
  owner: string;
  resolve: (slot: Slot) => void;
  reject: (error: Error) => void;
  timer: NodeJS.Timeout;
}

/**
 * Processes for work on hostile input: it keeps neither the event loop nor, by its memory, the life of the service. (A
 * thread would do for the first. But a thread that fills its heap can abort the whole process, `resourceLimits` or not.)
 * They get no environment variable, so no secret. They keep the service running only while they work.
 */
export function createProcessPool(options: ProcessPoolOptions): ProcessPool {
  const { max_waiting, wait_ms, task_ms, size } = options;
  const free: Slot[] = Array.from({ length: size }, () => ({ child: undefined }));
  const waiting: Waiting[] = [];
  const max_running = Math.max(size - 1, 1);
  /** Tasks at work, by owner. */
  const running = new Map<string, number>();
  const children = new Set<ChildProcess>();
  let closed = false;

  const mayRun = (owner: string): boolean => (running.get(owner) ?? 0) < max_running;

  function count(owner: string, change: 1 | -1): void {
    const tasks = (running.get(owner) ?? 0) + change;
    if (tasks > 0) running.set(owner, tasks);
    else running.delete(owner);
  }

  function take(owner: string): Promise<Slot> {
    if (closed) return Promise.reject(new PoolBusy('The pool is closed'));
    const slot = mayRun(owner) ? free.pop() : undefined;
    if (slot) {
      count(owner, 1);
      return Promise.resolve(slot);
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => refuse(entry, 'No process became free'), wait_ms);
      const entry: Waiting = { owner, resolve, reject, timer };
      waiting.push(entry);
      if (waiting.length > max_waiting) refuse(latestOfBusiest(waiting), 'Too many tasks wait');
    });
  }

  function refuse(entry: Waiting, message: string): void {
    waiting.splice(waiting.indexOf(entry), 1);
    clearTimeout(entry.timer);
    entry.reject(new PoolBusy(message));
  }

  function giveBack(slot: Slot, owner: string): void {
    count(owner, -1);
    const at = waiting.findIndex((entry) => mayRun(entry.owner));
    const [next] = at < 0 ? [] : waiting.splice(at, 1);
    if (!next) {
      free.push(slot);
      return;
    }
    clearTimeout(next.timer);
    count(next.owner, 1);
    next.resolve(slot);
  }

  async function start(slot: Slot): Promise<ChildProcess> {
    const child = startProcess(options);
    // Without a pid it never started, and never exits.
    if (child.pid !== undefined) children.add(child);
    child.once('exit', () => {
      children.delete(child);
      if (slot.child === child) slot.child = undefined;
    });
    await hear(child, START_MS).catch(() => {
      throw new ProcessEnded('crashed');
    });
    slot.child = child;
    return child;
  }

  return {
    async ask(task, owner) {
      const slot = await take(owner);
      try {
        const child = slot.child ?? (await start(slot));
        const answer = hear(child, task_ms);
        // A task that cannot be handed over has no error of its own: the end of the process, or the deadline, says it.
        child.send(task, () => undefined);
        const reply = (await answer) as TaskReply;
        if ('error' in reply) throw reply.error;
        return reply.answer;
      } finally {
        giveBack(slot, owner);
      }
    },
    async close() {
      closed = true;
      for (const entry of [...waiting]) refuse(entry, 'The pool is closed');
      await Promise.all([...children].map(endProcess));
    },
  };
}

/** Of two with equally many, the one that came to it last. */
function latestOfBusiest(waiting: Waiting[]): Waiting {
  const counts = new Map<string, number>();
  let latest = waiting[0] as Waiting;
  let most = 0;
  for (const entry of waiting) {
    const tasks = (counts.get(entry.owner) ?? 0) + 1;
    counts.set(entry.owner, tasks);
    if (tasks < most) continue;
    most = tasks;
    latest = entry;
  }
  return latest;
}

function startProcess({ script, heap_mb, log }: ProcessPoolOptions): ChildProcess {
  const child = fork(script, {
    env: {},
    execArgv: [`--max-old-space-size=${heap_mb}`],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_TAIL);
  });
  child.on('error', (err) => log.warn({ err, script: script.pathname }, 'process of a pool failed'));
  child.once('close', (exit_code, signal) => {
    // What V8 says when the heap is full is long and no news.
    log.info({ exit_code, signal, ...(signal ? {} : { stderr }), script: script.pathname }, 'process of a pool ended');
  });
  child.unref();
  child.channel?.unref();
  (child.stderr as Socket | null)?.unref();
  return child;
}

/** The next message of `child`, which is killed when there is none in time. Throws ProcessEnded. */
function hear(child: ChildProcess, within_ms: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let too_long = false;
    const timer = setTimeout(() => {
      too_long = true;
      child.kill('SIGKILL');
    }, within_ms);
    const done = (): void => {
      clearTimeout(timer);
      child.unref();
      child.off('message', onMessage).off('exit', onExit).off('error', onError);
    };
    const onMessage = (message: unknown): void => {
      done();
      resolve(message);
    };
    const onExit = (_code: number | null, signal: NodeJS.Signals | null): void => {
      done();
      // V8 aborts when its heap is full.
      reject(new ProcessEnded(too_long ? 'too_long' : signal === 'SIGABRT' ? 'out_of_memory' : 'crashed'));
    };
    const onError = (): void => {
      done();
      reject(new ProcessEnded('crashed'));
    };
    child.ref();
    child.on('message', onMessage).on('exit', onExit).on('error', onError);
  });
}

async function endProcess(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.ref();
  child.kill('SIGKILL');
  await exited;
}
