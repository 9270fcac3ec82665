import { startHealthReports } from '@potentia/config/health';
import { writeSystemHealth } from '@potentia/db/platform/queries';
import { fastify } from 'fastify';
import { Gauge } from 'prom-client';
import type { WaWorkerContext } from './context.ts';

export interface WaWorkerApp {
  url: string;
  stop(): Promise<void>;
}

/** Starts the worker: it reports its health and that it holds no session, since none can be linked yet. */
export async function startWaWorker({ config, log, db, health }: WaWorkerContext): Promise<WaWorkerApp> {
  new Gauge({
    name: 'potentia_wa_sessions',
    help: 'WhatsApp sessions that this worker holds',
    registers: [health.registry],
  }).set(0);

  // A connection that was opened and never asked anything counts as busy, and would hold the service until it is ended.
  const server = fastify({ logger: false, forceCloseConnections: true });
  for (const route of health.routes) {
    server.get(route.path, async (_request, reply) => {
      const { status, content_type, body } = await route.handle();
      return reply.code(status).type(content_type).send(body);
    });
  }
  server.get('/sessions', () => ({ items: [], message: 'No session is linked yet.' }));
  const url = await server.listen({ host: config.HOST, port: config.PORT });

  const reports = startHealthReports({ health, write: (row) => writeSystemHealth(db, row), log });
  log.info({ sessions: 0 }, 'no session is linked yet');

  return {
    url,
    async stop() {
      health.setDraining();
      await reports.stop();
      await server.close();
    },
  };
}
