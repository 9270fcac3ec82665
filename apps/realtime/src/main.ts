import { runApp } from '@potentia/config/run-app';
import { assertDatabase } from '@potentia/db/assert-database';
import { buildApp } from './app.ts';
import { schema } from './config.ts';
import { createRealtimeContext, SERVICE } from './context.ts';

await runApp({
  service: SERVICE,
  schema,
  async start(config, log) {
    const context = createRealtimeContext(config, log);
    await assertDatabase(context.db);
    const app = await buildApp(context);
    const url = await app.listen({ host: config.HOST, port: config.PORT });
    return {
      url,
      async stop() {
        await app.close();
        await context.close();
      },
    };
  },
});
