import { createContext, Script } from 'node:vm';

const script = new Script('work()');

/** The work took longer than it may. */
export class TookTooLong extends Error {}

/**
 * Runs synchronous `work` for at most `timeout_ms`, then stops it wherever it is and throws TookTooLong. For parsers
 * whose time on hostile input nobody can promise.
 */
export function runBounded<T>(timeout_ms: number, work: () => T): T {
  try {
    return script.runInContext(createContext({ work }), { timeout: timeout_ms }) as T;
  } catch (error) {
    // Made in the script's own realm, so it is no Error of ours.
    const timed_out = (error as { code?: unknown } | null)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
    throw timed_out ? new TookTooLong(`Longer than ${timeout_ms} ms`, { cause: error }) : error;
  }
}
