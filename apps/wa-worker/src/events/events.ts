import type { FastifyInstance } from 'fastify';
import type { WaWorkerContext } from '../context.ts';
import type { SessionPart } from '../session/parts.ts';
import type { SessionState } from '../state/session-state.ts';
import { observeEvents } from './event-metrics.ts';
import { EventRelay } from './event-relay.ts';
import { createEventSender } from './event-sender.ts';
import { startEventUpkeep } from './event-upkeep.ts';

/** Milliseconds of one request to the API. */
const TIMEOUT_MS = 5_000;

/** How the API comes to know what happened here. */
export interface Events {
  /** Sends what a session has committed, at once. */
  part: SessionPart;
  /** Does the same after each command. */
  watchCommands(server: FastifyInstance): void;
  start(): void;
  /** Sends for at most `flush_ms` what there is left to say, and finishes what is under way. */
  stop(flush_ms: number): Promise<void>;
}

export function createEvents(
  { config, db, log, health }: Pick<WaWorkerContext, 'config' | 'db' | 'log' | 'health'>,
  workerId: () => string | null,
): Events {
  const sender = createEventSender({
    api_url: config.API_URL,
    secrets: config.WORKER_WEBHOOK_SECRETS,
    timeout_ms: TIMEOUT_MS,
  });
  const metrics = observeEvents({ registry: health.registry, db });
  const relay = new EventRelay({ db, sender, metrics, log, workerId });
  let upkeep: ReturnType<typeof startEventUpkeep> | undefined;
  // A session whose memory was dropped goes on with another state.
  const watched = new WeakSet<SessionState>();
  return {
    part: {
      name: 'events',
      onSocket(_sock, { state }) {
        if (watched.has(state)) return;
        watched.add(state);
        state.onCommitted(relay.wake);
      },
    },
    watchCommands(server) {
      server.addHook('onResponse', (_request, _reply, done) => {
        relay.wake();
        done();
      });
    },
    start() {
      relay.start();
      upkeep = startEventUpkeep({ db, log, wake: relay.wake });
    },
    async stop(flush_ms) {
      await upkeep?.stop();
      await relay.flush(flush_ms);
      await relay.stop();
    },
  };
}
