import { runApp } from '@potentia/config/run-app';
import { assertDatabase } from '@potentia/db/assert-database';
import { startJobs } from './app.ts';
import { schema } from './config.ts';
import { createJobsContext, SERVICE } from './context.ts';

await runApp({
  service: SERVICE,
  schema,
  async start(config, log) {
    const context = createJobsContext(config, log);
    await assertDatabase(context.db);
    const app = await startJobs(context);
    return {
      url: app.url,
      async stop() {
        await app.stop();
        await context.close();
      },
    };
  },
});
