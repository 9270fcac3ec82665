import { type EventBacklog, readEventBacklog } from '@potentia/db/wa/event-queries';
import type { Db } from '@potentia/db/client';
import type { BreakerState } from '@potentia/domain/platform/breaker';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Failure } from './event-sender.ts';

export interface EventMetrics {
  delivered(kind: string, count: number, ms: number): void;
  failed(kind: string, failure: Failure): void;
  died(kind: string): void;
  breaker(state: BreakerState): void;
}

const BREAKER_STATES: Record<BreakerState, number> = { closed: 0, half_open: 1, open: 2 };

/** What is told to the API and what waits for it: of all sessions, which is the same in each worker. */
export function observeEvents({ registry, db }: { registry: Registry; db: Db }): EventMetrics {
  const registers = [registry];
  const delivered = new Counter({
    name: 'potentia_wa_events_delivered_total',
    help: 'Events that the API has taken, by kind',
    labelNames: ['kind'],
    registers,
  });
  const failed = new Counter({
    name: 'potentia_wa_event_failures_total',
    help: 'Requests that the API did not take: away, busy, early (409) or refused, by kind of events',
    labelNames: ['kind', 'failure'],
    registers,
  });
  const died = new Counter({
    name: 'potentia_wa_events_died_total',
    help: 'Events that the API refused by themselves until they were given up, by kind',
    labelNames: ['kind'],
    registers,
  });
  const seconds = new Histogram({
    name: 'potentia_wa_event_request_seconds',
    help: 'Requests that the API took',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers,
  });
  const breaker = new Gauge({
    name: 'potentia_wa_event_breaker',
    help: 'Whether the API is asked: 0 yes, 1 it is being tried, 2 it is left alone',
    registers,
  });
  watchBacklog(registry, db);
  return {
    delivered(kind, count, ms) {
      delivered.inc({ kind }, count);
      seconds.observe(ms / 1_000);
    },
    failed: (kind, failure) => failed.inc({ kind, failure }),
    died: (kind) => died.inc({ kind }),
    breaker: (state) => breaker.set(BREAKER_STATES[state]),
  };
}

/** Asked once at each scrape; without Postgres the numbers of the last one stay. */
function watchBacklog(registry: Registry, db: Db): void {
  let under_way: Promise<EventBacklog | null> | undefined;
  const read = (): Promise<EventBacklog | null> =>
    (under_way ??= readEventBacklog(db)
      .catch(() => null)
      .finally(() => (under_way = undefined)));
  const gauge = (name: string, help: string, valueOf: (backlog: EventBacklog) => number): void => {
    new Gauge({
      name: `potentia_wa_events_${name}`,
      help,
      registers: [registry],
      async collect() {
        const backlog = await read();
        if (backlog !== null) this.set(valueOf(backlog));
      },
    });
  };
  gauge('waiting', 'Events that the API has not taken yet', ({ waiting }) => waiting);
  gauge('dead', 'Events that were given up', ({ dead }) => dead);
  gauge('oldest_seconds', 'Age of the oldest event that waits; 0 when none does', ({ oldest_at }) =>
    oldest_at === null ? 0 : Math.max(0, Date.now() - Date.parse(oldest_at)) / 1_000,
  );
}
