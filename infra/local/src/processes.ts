import { spawn } from 'node:child_process';
import { closeSync, readFileSync } from 'node:fs';
import { tryRun } from './command.ts';
import { openLog } from './log-file.ts';
import { Problem } from './problem.ts';

const POLL_MS = 50;

export interface ProcessOptions {
  name: string;
  file: string;
  args: string[];
  /** Where its output goes, overwritten at each start; without it, to the terminal. */
  log_file?: string;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  uid?: number;
  gid?: number;
  /** Asks the process to end in good order. */
  stop_signal?: NodeJS.Signals;
  /** How long it may take to, before it is killed with all it started. */
  stop_timeout_ms?: number;
}

/** How a process ended: exactly one of the two is not null. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface RunningProcess {
  name: string;
  pid: number;
  /** Settles when it ends, for whatever reason; never rejects. */
  exited: Promise<Exit>;
  stop(): Promise<void>;
}

/** Everything that one command started. */
export interface Processes {
  start(options: ProcessOptions): Promise<RunningProcess>;
  /** Which of the processes ended first. */
  firstExit(): Promise<Exit & { name: string }>;
  /** Runs `work` once all processes have been stopped, whatever happened. */
  afterwards(work: () => Promise<void>): void;
  /** Stops what runs, the last started first, then does what was left for afterwards. Nothing starts any more. */
  stopAll(): Promise<void>;
  isStopping(): boolean;
}

export function createProcesses(): Processes {
  const running: RunningProcess[] = [];
  const left_for_later: (() => Promise<void>)[] = [];
  let closed = false;
  return {
    async start(options) {
      if (closed) throw new Problem(`${options.name} was not started: everything is being stopped.`);
      const started = await startProcess(options);
      running.push(started);
      return started;
    },
    firstExit() {
      return Promise.race(running.map(async ({ name, exited }) => ({ name, ...(await exited) })));
    },
    afterwards(work) {
      left_for_later.push(work);
    },
    async stopAll() {
      closed = true;
      for (const started of running.toReversed()) await started.stop();
      for (const work of left_for_later.toReversed()) await work();
    },
    isStopping: () => closed,
  };
}

/**
 * Starts a program in a session of its own, so that the terminal's Ctrl-C reaches only us and services can be stopped
 * in order.
 */
async function startProcess(options: ProcessOptions): Promise<RunningProcess> {
  const { name, file, args, log_file, stop_signal = 'SIGTERM', stop_timeout_ms = 15_000, ...spawn_options } = options;
  const output = log_file ? openLog(log_file, 'w') : 'inherit';
  const child = spawn(file, args, { ...spawn_options, detached: true, stdio: ['ignore', output, output] });
  if (typeof output === 'number') closeSync(output);
  const exited = new Promise<Exit>((resolve) => {
    child.on('exit', (code, signal) => resolve({ code, signal }));
    child.on('error', () => resolve({ code: 127, signal: null }));
  });
  const pid = child.pid;
  if (pid === undefined) {
    await exited;
    throw new Problem(`${name} cannot be started: ${file} cannot be run.`);
  }
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(stop_signal);
    const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), stop_timeout_ms);
    await exited;
    clearTimeout(timer);
    // What it started and did not take along.
    signalGroup(pid, 'SIGKILL');
  };
  return { name, pid, exited, stop };
}

/** Signals a process and all that it started and that stayed in its group. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // None of them is left.
  }
}

/** True while a process of the group runs. One that ended but that nobody has asked about (a zombie) does not. */
export async function isGroupAlive(group: number): Promise<boolean> {
  const { output } = await tryRun('ps', ['-A', '-o', 'pgid=,stat=']);
  return output.split('\n').some((line) => {
    const [pgid, stat] = line.trim().split(/\s+/);
    return Number(pgid) === group && stat !== undefined && !stat.startsWith('Z');
  });
}

/** Something that no later process with the same id shares: when it started. Undefined when there is no such process. */
export async function processStart(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') {
    const { output } = await tryRun('ps', ['-o', 'lstart=', '-p', String(pid)]);
    return output.trim() || undefined;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? undefined : fields[18];
  } catch {
    return undefined;
  }
}

/** Asks `ready` again and again; false once `timeout_ms` have passed or `given_up` settles. */
export async function waitUntil(
  ready: () => Promise<boolean>,
  timeout_ms: number,
  given_up: Promise<unknown> = new Promise(() => undefined),
): Promise<boolean> {
  const deadline = performance.now() + timeout_ms;
  const over = new AbortController();
  void given_up.then(() => over.abort());
  while (!over.signal.aborted && performance.now() < deadline) {
    if (await ready()) return true;
    await Promise.race([given_up, new Promise((resolve) => setTimeout(resolve, POLL_MS))]);
  }
  return false;
}
