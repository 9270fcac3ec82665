import { DbUnavailableError } from '@potentia/db/errors';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * How long the end of a turn waits for a database that is away, each time: as long as a failover may take. Its lease may be over by then,
 * but nobody can have taken the run on without the database; if somebody has since, that is told by `turn.superseded`.
 */
const RETRIES_MS = [100, 400, 1_500, 4_000, ...Array.from({ length: 11 }, () => 5_000)];

/** Does `work` again while the database is away; `attempt` counts from 0. Throws what the database refuses, or its absence in the end. */
export async function whileAway<T>(work: (attempt: number) => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work(attempt);
    } catch (error) {
      const wait_ms = RETRIES_MS[attempt];
      if (!(error instanceof DbUnavailableError) || wait_ms === undefined) throw error;
      await sleep(wait_ms);
    }
  }
}
