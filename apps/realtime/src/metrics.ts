import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What the hub counts. Names are documented in docs/protocol.md. */
export interface HubMetrics {
  cluster_sockets: Gauge;
  refused: Counter<'code'>;
  closed: Counter<'code'>;
  frames_in: Counter<'type'>;
  events: Counter<'source'>;
  fills: Counter<'stream'>;
  lost: Counter<'stream'>;
  shed: Counter;
  limited: Counter<'event' | 'outcome'>;
  access_checks: Counter;
  poll: Histogram;
}

/** The hub's own metrics, in the registry that `/metrics` shows. */
export function createHubMetrics(registry: Registry): HubMetrics {
  const registers = [registry];
  return {
    cluster_sockets: new Gauge({
      name: 'ws_cluster_sockets',
      help: 'Open WebSockets of all replicas, as of the last lease',
      registers,
    }),
    refused: new Counter({
      name: 'potentia_ws_refused_total',
      help: 'Handshakes refused, by problem code',
      labelNames: ['code'],
      registers,
    }),
    closed: new Counter({
      name: 'potentia_ws_closed_total',
      help: 'WebSockets closed, by close code',
      labelNames: ['code'],
      registers,
    }),
    frames_in: new Counter({
      name: 'potentia_ws_frames_in_total',
      help: 'Frames that clients sent',
      labelNames: ['type'],
      registers,
    }),
    events: new Counter({
      name: 'potentia_hub_events_total',
      help: 'Numbered entries that arrived, by way',
      labelNames: ['source'],
      registers,
    }),
    fills: new Counter({
      name: 'potentia_hub_fills_total',
      help: 'Gaps read from Postgres',
      labelNames: ['stream'],
      registers,
    }),
    lost: new Counter({
      name: 'potentia_hub_restarts_total',
      help: 'Streams whose members had to start again',
      labelNames: ['stream'],
      registers,
    }),
    shed: new Counter({
      name: 'potentia_ws_shed_total',
      help: 'Writes of ephemeral frames left out for slow readers',
      registers,
    }),
    access_checks: new Counter({
      name: 'potentia_hub_access_checks_total',
      help: 'Queries that read the access of open sockets again',
      registers,
    }),
    limited: new Counter({
      name: 'potentia_ws_rate_limit_total',
      help: 'Rate limit decisions by event',
      labelNames: ['event', 'outcome'],
      registers,
    }),
    poll: new Histogram({
      name: 'potentia_hub_poll_seconds',
      help: 'Time of one comparison of all rooms with Postgres',
      buckets: [0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1],
      registers,
    }),
  };
}

/** Gauges that are read from the hub when somebody asks for them. */
export function observeHub(registry: Registry, count: () => { canvas: number; me: number; rooms: number }): void {
  new Gauge({
    name: 'ws_sockets',
    help: 'Open WebSockets of this replica',
    labelNames: ['channel'],
    registers: [registry],
    collect() {
      const { canvas, me } = count();
      this.set({ channel: 'canvas' }, canvas);
      this.set({ channel: 'me' }, me);
    },
  });
  new Gauge({
    name: 'potentia_ws_rooms',
    help: 'Canvases that somebody here has open',
    registers: [registry],
    collect() {
      this.set(count().rooms);
    },
  });
}
