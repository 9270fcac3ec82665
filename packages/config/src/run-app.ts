import type { z } from 'zod';
import { loadEnv, redactEnv } from './env.ts';
import { type RunningService, runService } from './lifecycle.ts';
import { createLogger, type Logger } from './logger.ts';
import { startTelemetry } from './telemetry.ts';
import type { httpVariables, telemetryVariables } from './variables.ts';
import { VERSION } from './version.ts';

/** A schema with the variables that every service has. */
type AppSchema = z.ZodObject<ReturnType<typeof httpVariables> & typeof telemetryVariables>;

/**
 * The whole of a service's `main.ts`: reads its environment (exit 1 with a table of every variable at fault), says with
 * what configuration it runs, traces, and lives as `runService` has it. What `start` opened is closed before the last
 * spans are sent.
 */
export async function runApp<S extends AppSchema>(options: {
  service: string;
  schema: S;
  /** See `runService`. */
  isStray?: (error: unknown) => boolean;
  start: (config: z.output<S>, log: Logger) => Promise<RunningService>;
}): Promise<void> {
  const { service, schema, isStray, start } = options;
  const config = loadEnv(service, schema);
  const log = createLogger({ service, version: VERSION, level: config.LOG_LEVEL });
  log.info({ config: redactEnv(schema, config) }, 'configuration');

  await runService({
    service,
    log,
    shutdown_timeout_ms: config.SHUTDOWN_TIMEOUT_MS,
    isStray,
    async start() {
      const telemetry = await startTelemetry({
        service,
        version: VERSION,
        endpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT,
      });
      const running = await start(config, log);
      return {
        ...running,
        async stop() {
          await running.stop();
          await telemetry.shutdown();
        },
      };
    },
  });
}
