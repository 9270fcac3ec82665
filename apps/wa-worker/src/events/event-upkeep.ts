import type { Logger } from '@potentia/config/logger';
import type { Db } from '@potentia/db/client';
import { forgetDeadEvents, reportUsage } from '@potentia/db/wa/event-queries';

const EVERY_MS = 60_000;
const BATCH = 500;

export interface EventUpkeepOptions {
  db: Db;
  log: Logger;
  /** Told that there are events. */
  wake: () => void;
  every_ms?: number;
}

/**
 * Every minute: what was sent and received since goes among the events, as totals of a day, and dead events go that nobody wanted
 * any more. Any number of workers do this side by side. `stop` waits for what is under way.
 */
export function startEventUpkeep({ db, log, wake, every_ms = EVERY_MS }: EventUpkeepOptions): {
  stop(): Promise<void>;
} {
  let running = Promise.resolve();
  const timer = setInterval(() => {
    running = running
      .then(() => keepUp(db, wake))
      .catch((err: unknown) => log.warn({ err }, 'usage cannot be reported'));
  }, every_ms);
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}

async function keepUp(db: Db, wake: () => void): Promise<void> {
  for (let count = BATCH; count === BATCH;) {
    count = await reportUsage(db, BATCH);
    if (count > 0) wake();
  }
  await forgetDeadEvents(db, BATCH);
}
