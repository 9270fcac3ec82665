import type { Health } from '@potentia/config/health';
import { z } from 'zod';
import { type App, operation } from './openapi.ts';

const check = z.object({ ok: z.boolean(), latency_ms: z.number(), error: z.string().optional() });

const health = z
  .object({ status: z.literal('ok'), service: z.string(), version: z.string(), instance_id: z.string() })
  .meta({ id: 'Health' });

const readiness = z
  .object({
    service: z.string(),
    instance_id: z.string(),
    version: z.string(),
    status: z.enum(['ok', 'degraded', 'draining']),
    checks: z.record(z.string(), check),
    started_at: z.string(),
    reported_at: z.string(),
  })
  .meta({ id: 'Readiness' });

const SCHEMAS = {
  '/health': operation({
    operationId: 'getHealth',
    tags: ['service'],
    summary: 'Is the process alive?',
    auth: false,
    ok: { 200: health },
  }),
  '/ready': operation({
    operationId: 'getReadiness',
    tags: ['service'],
    summary: 'Can it serve? Each dependency by name.',
    auth: false,
    ok: { 200: readiness },
  }),
  '/metrics': operation({
    operationId: 'getMetrics',
    tags: ['service'],
    summary: 'Metrics in the Prometheus text format.',
    auth: false,
    ok: { 200: { description: 'Metrics.', content: { 'text/plain': { schema: z.string() } } } },
  }),
};

/** A service that cannot serve says so with the same document, not with a problem. */
SCHEMAS['/ready'].response[503] = { description: 'Not ready.', content: { 'application/json': { schema: readiness } } };

/** `/health`, `/ready`, `/metrics`: open, and never refused by the per-address bucket. */
export function healthRoutes(app: App, service: Health): void {
  for (const route of service.routes) {
    app.get(
      route.path,
      { schema: SCHEMAS[route.path], config: { auth: 'none', probe: true } },
      async (_request, reply) => {
        const { status, content_type, body } = await route.handle();
        return reply.code(status).type(content_type).send(body);
      },
    );
  }
}
