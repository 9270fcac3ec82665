import { startHealthReports } from '@potentia/config/health';
import { runApp } from '@potentia/config/run-app';
import { assertDatabase } from '@potentia/db/assert-database';
import { writeSystemHealth } from '@potentia/db/platform/queries';
import { buildApp } from './app.ts';
import { schema } from './config.ts';
import { createApiContext, SERVICE } from './context.ts';

await runApp({
  service: SERVICE,
  schema,
  async start(config, log) {
    const context = createApiContext(config, log);
    const { db, health } = context;
    await assertDatabase(db);
    const app = await buildApp(context);
    const url = await app.listen({ host: config.HOST, port: config.PORT });
    const reports = startHealthReports({ health, write: (row) => writeSystemHealth(db, row), log });
    return {
      url,
      async stop() {
        await app.close();
        await reports.stop();
        await context.close();
      },
    };
  },
});
