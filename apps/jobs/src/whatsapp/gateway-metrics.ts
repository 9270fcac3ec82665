import type { Db } from '@potentia/db/client';
import { countWhatsapp } from '@potentia/db/whatsapp/worker-queries';
import type { PlacementMetrics } from '@potentia/domain/whatsapp/placement-ctx';
import { Counter, Gauge, type Registry } from 'prom-client';

/** Decisions who holds a session, and why. */
export function observePlacements(registry: Registry): PlacementMetrics {
  const placements = new Counter({
    name: 'potentia_whatsapp_placements_total',
    help: 'What became of sessions that were to be put on a worker: placed, moved, waiting for one, or postponed',
    labelNames: ['outcome'],
    registers: [registry],
  });
  const takeovers = new Counter({
    name: 'potentia_whatsapp_takeovers_total',
    help: 'Sessions whose worker died, and that others were to take over',
    registers: [registry],
  });
  return {
    observePlacement: (outcome) => placements.inc({ outcome }),
    observeTakeovers: (sessions) => takeovers.inc(sessions),
  };
}

/** The gateway as Postgres has it, read at each scrape. */
export function measureGateway(registry: Registry, db: Db): void {
  const workers = new Gauge({
    name: 'potentia_whatsapp_workers',
    help: 'WhatsApp workers by status',
    labelNames: ['status'],
    registers: [registry],
  });
  const waiting = new Gauge({
    name: 'potentia_whatsapp_sessions_due',
    help: 'WhatsApp sessions of which something is wanted that is not done yet',
    registers: [registry],
  });
  new Gauge({
    name: 'potentia_whatsapp_sessions',
    help: 'WhatsApp sessions by status',
    labelNames: ['status'],
    registers: [registry],
    async collect() {
      try {
        const counts = await countWhatsapp(db);
        this.reset();
        workers.reset();
        for (const [status, count] of Object.entries(counts.sessions)) this.set({ status }, count);
        for (const [status, count] of Object.entries(counts.workers)) workers.set({ status }, count);
        waiting.set(counts.waiting);
      } catch {
        // Postgres is away: `potentia_dependency_up` says so, and the last figures stand.
      }
    },
  });
}
