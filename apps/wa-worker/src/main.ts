import { runApp } from '@potentia/config/run-app';
import { assertDatabase } from '@potentia/db/assert-database';
import { startWaWorker } from './app.ts';
import { schema } from './config.ts';
import { createWaWorkerContext, SERVICE } from './context.ts';

await runApp({
  service: SERVICE,
  schema,
  async start(config, log) {
    const context = createWaWorkerContext(config, log);
    await assertDatabase(context.db);
    const app = await startWaWorker(context);
    return {
      url: app.url,
      async stop() {
        await app.stop();
        await context.close();
      },
    };
  },
});
