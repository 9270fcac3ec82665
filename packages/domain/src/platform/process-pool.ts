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
  /** Processes at most. Each is started when it is first needed and does one task at a time. */
  size: number;
  /** Tasks that may wait for a process; one more is refused. */
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
  /** What a process answers to `task`. Throws PoolBusy; ProcessEnded; what the work threw, as a plain Error. */
  ask(task: object): Promise<unknown>;
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
  const children = new Set<ChildProcess>();
  let closed = false;

  function take(): Promise<Slot> {
    if (closed) return Promise.reject(new PoolBusy('The pool is closed'));
    const slot = free.pop();
    if (slot) return Promise.resolve(slot);
    if (waiting.length >= max_waiting) return Promise.reject(new PoolBusy('Too many tasks wait'));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(entry), 1);
        reject(new PoolBusy('No process became free'));
      }, wait_ms);
      const entry: Waiting = { resolve, reject, timer };
      waiting.push(entry);
    });
  }

  function giveBack(slot: Slot): void {
    const next = waiting.shift();
    if (!next) {
      free.push(slot);
      return;
    }
    clearTimeout(next.timer);
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
    async ask(task) {
      const slot = await take();
      try {
        const child = slot.child ?? (await start(slot));
        child.send(task);
        const reply = (await hear(child, task_ms)) as TaskReply;
        if ('error' in reply) throw reply.error;
        return reply.answer;
      } finally {
        giveBack(slot);
      }
    },
    async close() {
      closed = true;
      for (const { reject, timer } of waiting.splice(0)) {
        clearTimeout(timer);
        reject(new PoolBusy('The pool is closed'));
      }
      await Promise.all([...children].map(endProcess));
    },
  };
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
