import type { FastifyInstance } from 'fastify';
import { Counter, Histogram, type Registry } from 'prom-client';

export interface ApiMetrics {
  rate_limit: Counter<'method' | 'route' | 'outcome'>;
  ip_refused: Counter;
  request_seconds: Histogram<'method' | 'route' | 'status'>;
}

/** The API's own metrics, in the registry that `/metrics` shows. */
export function createMetrics(registry: Registry): ApiMetrics {
  const registers = [registry];
  return {
    request_seconds: new Histogram({
      name: 'potentia_http_request_duration_seconds',
      help: 'Time from the first byte of a request to the last of its answer, by route pattern',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers,
    }),
    rate_limit: new Counter({
      name: 'potentia_http_rate_limit_total',
      help: 'Requests that the shared limit allowed or refused, by route pattern',
      labelNames: ['method', 'route', 'outcome'],
      registers,
    }),
    ip_refused: new Counter({
      name: 'potentia_http_ip_refused_total',
      help: 'Requests that the per-address bucket refused before their token was looked at',
      registers,
    }),
  };
}

/** Times every request, by route pattern: a label per canvas would end the metrics store. */
export function observeRequests(app: FastifyInstance, metrics: ApiMetrics): void {
  app.addHook('onResponse', (request, reply, done) => {
    metrics.request_seconds.observe(
      { method: request.method, route: request.routeOptions.url ?? 'unknown', status: reply.statusCode },
      reply.elapsedTime / 1000,
    );
    done();
  });
}
