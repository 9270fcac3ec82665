import { existsSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { local_dir } from './paths.ts';
import { processStart } from './processes.ts';

const state_file = path.join(local_dir, 'run.json');

/** A process that can be told from a later one with the same id. */
export interface KnownProcess {
  name: string;
  pid: number;
  started: string;
  stop_signal: NodeJS.Signals;
}

/** Something that listens. */
export interface Endpoint {
  name: string;
  port: number;
  /** Answers 200 once ready; what has none only accepts connections. */
  ready_url?: string;
}

/** What one `npm start` has running, for `status`, `stop` and the next start. */
export interface RunState {
  phase: 'starting' | 'ready';
  supervisor: KnownProcess;
  processes: KnownProcess[];
  endpoints: Endpoint[];
  started_at: string;
}

export function readState(): RunState | undefined {
  return existsSync(state_file) ? (JSON.parse(readFileSync(state_file, 'utf8')) as RunState) : undefined;
}

export async function writeState(state: RunState): Promise<void> {
  await mkdir(local_dir, { recursive: true });
  await writeFile(`${state_file}.new`, `${JSON.stringify(state, null, 2)}\n`);
  await rename(`${state_file}.new`, state_file);
}

export function removeState(): void {
  rmSync(state_file, { force: true });
}

/** A process as it is now, to be recognised later. */
export async function knownProcess(
  name: string,
  pid: number,
  stop_signal: NodeJS.Signals = 'SIGTERM',
): Promise<KnownProcess> {
  return { name, pid, started: (await processStart(pid)) ?? '', stop_signal };
}

export async function isAlive({ pid, started }: KnownProcess): Promise<boolean> {
  return (await processStart(pid)) === started;
}
