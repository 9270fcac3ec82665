import { redactEnv } from '@potentia/config/env';
import { runService } from '@potentia/config/lifecycle';
import { createLogger } from '@potentia/config/logger';
import { startTelemetry } from '@potentia/config/telemetry';
import { buildApp } from './app.ts';
import { readConfig, schema } from './config.ts';
import { createRealtimeContext, SERVICE, VERSION } from './context.ts';

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
    const context = createRealtimeContext(config, log);
    const app = await buildApp(context);
    const url = await app.listen({ host: config.HOST, port: config.PORT });
    return {
      url,
      async stop() {
        await app.close();
        await context.close();
        await telemetry.shutdown();
      },
    };
  },
});
