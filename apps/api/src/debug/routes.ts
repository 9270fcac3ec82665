import { z } from 'zod';
import { type App, operation } from '../platform/openapi.ts';

const echo = z
  .object({ method: z.string(), path: z.string(), request_id: z.string(), user_id: z.string(), body: z.unknown() })
  .meta({ id: 'Echo' });

/** What arrived, without what is secret in it: to see how a client's requests look after the proxies in between. */
export function debugRoutes(app: App): void {
  const schema = operation({
    operationId: 'echo',
    tags: ['service'],
    summary: 'Answers what it was sent. Not there in production unless it is switched on.',
    body: z.unknown(),
    ok: { 200: echo },
  });
  app.post('/debug/echo', { schema }, (request) => ({
    method: request.method,
    path: request.url,
    request_id: request.id,
    user_id: request.claims?.user_id ?? '',
    body: request.body ?? null,
  }));
}
