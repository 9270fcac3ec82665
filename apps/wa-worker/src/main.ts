// First: the faults of the libraries are mended before anything uses them.
import './state/crypto-fixes.ts';
import { runApp } from '@potentia/config/run-app';
import { assertDatabase } from '@potentia/db/assert-database';
import { startWaWorker } from './app.ts';
import { schema } from './config.ts';
import { createWaWorkerContext, SERVICE } from './context.ts';
import { isOfClient } from './session/stray-errors.ts';

await runApp({
  service: SERVICE,
  schema,
  isStray: isOfClient,
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
