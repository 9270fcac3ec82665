import { signalGroup, waitUntil } from './processes.ts';
import { isAlive, removeState, type KnownProcess, type RunState } from './state.ts';

/** A supervisor gives each service its time to drain. */
const SUPERVISOR_TIMEOUT_MS = 90_000;
const ORPHAN_TIMEOUT_MS = 15_000;

/** Stops what a start has running, by its supervisor; what outlived a killed supervisor, one by one. */
export async function halt(state: RunState): Promise<void> {
  if (await isAlive(state.supervisor)) {
    process.kill(state.supervisor.pid, 'SIGTERM');
    await waitUntil(async () => !(await isAlive(state.supervisor)), SUPERVISOR_TIMEOUT_MS);
  }
  for (const orphan of state.processes.toReversed()) await stopOrphan(orphan);
  removeState();
}

async function stopOrphan(orphan: KnownProcess): Promise<void> {
  if (!(await isAlive(orphan))) return;
  process.kill(orphan.pid, orphan.stop_signal);
  const gone = await waitUntil(async () => !(await isAlive(orphan)), ORPHAN_TIMEOUT_MS);
  if (!gone) signalGroup(orphan.pid, 'SIGKILL');
}
