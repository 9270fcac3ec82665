import type { WaWorkerContext } from '../context.ts';
import { rotateKeys } from './rotate-keys.ts';

const DAY_MS = 86_400_000;

/**
 * Takes an older key of `ENCRYPTION_KEYS` out of use, at the start and each day, since a restored backup brings it back. Any number of
 * workers do this side by side. `stop` waits for the statement that is under way.
 */
export function startKeyRotation({ db, sealer, log }: Pick<WaWorkerContext, 'db' | 'sealer' | 'log'>): {
  stop(): Promise<void>;
} {
  const stopping = new AbortController();
  const rotate = async (): Promise<void> => {
    try {
      const count = await rotateKeys(db, sealer, stopping.signal);
      if (count > 0) log.info({ kid: sealer.kid, count }, 'keys of sessions were sealed anew');
    } catch (err) {
      log.warn({ err }, 'keys of sessions could not be sealed anew');
    }
  };
  let running = rotate();
  const timer = setInterval(() => {
    running = running.then(rotate);
  }, DAY_MS);
  return {
    async stop() {
      clearInterval(timer);
      stopping.abort();
      await running;
    },
  };
}
