import { redactEnv } from '@potentia/config/env';
import { startHealthReports } from '@potentia/config/health';
import { runService } from '@potentia/config/lifecycle';
import { createLogger } from '@potentia/config/logger';
import { startTelemetry } from '@potentia/config/telemetry';
import { writeSystemHealth } from '@potentia/db/platform/queries';
import { buildApp } from './app.ts';
import { readConfig, schema } from './config.ts';
import { createApiContext, SERVICE, VERSION } from './context.ts';

const config = readConfig();
const log = createLogger({ service: SERVICE, level: config.LOG_LEVEL, version: VERSION });
log.info({ config: redactEnv(schema, config) }, 'configuration');

await runService({
  service: SERVICE,
  log,
  shutdown_timeout_ms: config.SHUTDOWN_TIMEOUT_MS,
  async start() {
    const telemetry = await startTelemetry({
      service: SERVICE,
      version: VERSION,
      endpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT,
    });
    const context = createApiContext(config, log);
    const app = await buildApp(context);
    const url = await app.listen({ host: config.HOST, port: config.PORT });
    const { db, health } = context;
    const reports = startHealthReports({ health, write: (row) => writeSystemHealth(db, row), log });
    return {
      url,
      async stop() {
        await app.close();
        await reports.stop();
        await context.close();
        await telemetry.shutdown();
      },
    };
  },
});
