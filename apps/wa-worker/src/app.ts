import { startHealthReports } from '@potentia/config/health';
import { writeSystemHealth } from '@potentia/db/platform/queries';
import { type CommandRoutes, createCommandServer } from './commands/command-server.ts';
import { deadLetterRoutes } from './commands/dead-letter-routes.ts';
import { groupRoutes } from './commands/group-routes.ts';
import { readRoutes } from './commands/read-routes.ts';
import { sendRoutes } from './commands/send-routes.ts';
import { sessionRoutes } from './commands/session-routes.ts';
import type { WaWorkerContext } from './context.ts';
import { inboundPart } from './inbound/inbound-part.ts';
import { mediaPart } from './inbound/media-part.ts';
import { createInboundMetrics } from './inbound/metrics.ts';
import { createEvents } from './events/events.ts';
import { createOutbound } from './outbound/outbound-part.ts';
import { Registration } from './registration.ts';
import type { SessionPart } from './session/parts.ts';
import { backupPart } from './session/session-backups.ts';
import { Sessions } from './session/sessions.ts';
import { within } from './session/within.ts';
import { startKeyRotation } from './state/key-rotation.ts';

export interface WaWorkerApp {
  url: string;
  sessions: Sessions;
  stop(): Promise<void>;
}

export interface WaWorkerPieces {
  /** What happens in a session. */
  parts: SessionPart[];
  /** What it can be told. */
  routes: CommandRoutes[];
}

/** All that a worker does beside holding its sessions. */
export function createPieces(context: WaWorkerContext): WaWorkerPieces {
  const inbound_metrics = createInboundMetrics(context.health.registry);
  const outbound = createOutbound(context);
  return {
    parts: [
      inboundPart(context, inbound_metrics),
      mediaPart(context, inbound_metrics),
      outbound.part,
      backupPart(context),
    ],
    routes: [sessionRoutes, readRoutes, sendRoutes(outbound), groupRoutes, deadLetterRoutes],
  };
}

/** What of the time to shut down is kept for letting go of everything else. */
const LAST_WORDS_MS = 4_000;
/** How long the API has to take note of that. */
const DRAIN_BEAT_MS = 1_000;
/** How long it may take to tell the API what else happened; the next worker tells the rest. */
const FLUSH_MS = 1_000;

/** Starts the worker: it listens, registers at the API, and holds the sessions that it is told to. */
export async function startWaWorker(
  context: WaWorkerContext,
  { parts, routes }: WaWorkerPieces = createPieces(context),
): Promise<WaWorkerApp> {
  const { config, log, db, health } = context;
  const events = createEvents(context, () => registration.worker_id);
  const sessions = new Sessions(context, [...parts, events.part]);
  const registration = new Registration(context, sessions);
  const server = createCommandServer(
    {
      context,
      sessions,
      held: (request) =>
        sessions.held((request.params as { session_id: string }).session_id, request.service?.generation ?? null),
      workerId: () => registration.worker_id,
    },
    routes,
  );
  events.watchCommands(server);
  const url = await server.listen({ host: config.HOST, port: config.PORT });
  const reports = startHealthReports({ health, write: (row) => writeSystemHealth(db, row), log });
  sessions.start();
  registration.start(url);
  events.start();
  const rotation = startKeyRotation(context);

  return {
    url,
    sessions,
    async stop() {
      health.setDraining();
      // Told first, so that nothing is placed here while sessions go.
      await within(registration.drain(), DRAIN_BEAT_MS);
      await within(sessions.drain(), Math.max(config.SHUTDOWN_TIMEOUT_MS - LAST_WORDS_MS, LAST_WORDS_MS / 8));
      await Promise.all([within(registration.stop(), DRAIN_BEAT_MS), within(events.stop(FLUSH_MS), 2 * FLUSH_MS)]);
      await server.close();
      await Promise.all([reports.stop(), rotation.stop()]);
    },
  };
}
