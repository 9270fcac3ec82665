import closeWithGrace from 'close-with-grace';
import type { Logger } from './logger.ts';

export interface RunningService {
  url?: string;
  /** Stops taking work, finishes what was taken, lets go of every connection. */
  stop(): Promise<void>;
}

/**
 * The life of a process: starts the service, stops it on SIGTERM or SIGINT (exit 0), or after an uncaught error
 * (exit 1). A stop that takes longer than `shutdown_timeout_ms`, or a second signal, ends the process at once (exit 1).
 */
export async function runService(options: {
  service: string;
  log: Logger;
  shutdown_timeout_ms: number;
  /** Whether a rejection that nobody handled is a library's, which the service outlives. */
  isStray?: ((error: unknown) => boolean) | undefined;
  start(): Promise<RunningService>;
}): Promise<void> {
  const { service, log, shutdown_timeout_ms, isStray } = options;
  if (isStray) outliveStrays(log, isStray);
  const starting = options.start();

  closeWithGrace(
    {
      delay: shutdown_timeout_ms,
      logger: false,
      skip: isStray ? ['unhandledRejection'] : [],
      onSecondSignal: (signal) => log.error({ signal }, `${service} got a second signal, ending now`),
      onSecondError: (err) => log.fatal({ err }, `${service} failed again while stopping`),
      onTimeout: () => log.error(`${service} did not stop within ${shutdown_timeout_ms} ms, ending now`),
    },
    async ({ signal, err }) => {
      if (err) log.fatal({ err }, `${service} stops after an uncaught error`);
      else log.info({ signal }, `${service} is stopping`);
      try {
        await (await starting).stop();
        log.info(`${service} has stopped`);
      } catch (error) {
        log.error({ err: error }, `${service} could not stop in order`);
        throw error;
      }
    },
  );

  try {
    const { url } = await starting;
    log.info({ url }, `${service} is running`);
  } catch (err) {
    log.fatal({ err }, `${service} could not start`);
    process.exit(1);
  }
}

/** A stray rejection is a line in the log, without what it says; any other is the uncaught error that it would be. */
function outliveStrays(log: Logger, isStray: (error: unknown) => boolean): void {
  process.on('unhandledRejection', (error) => {
    if (!isStray(error)) throw error;
    log.warn({ name: error instanceof Error ? error.name : typeof error }, 'a library left a rejection to nobody');
  });
}
