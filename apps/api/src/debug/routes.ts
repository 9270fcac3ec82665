import { z } from 'zod';
import { type App, operation } from '../platform/openapi.ts';

const echo = z
  .object({ method: z.string(), path: z.string(), request_id: z.string(), user_id: z.string(), body: z.unknown() })
  .meta({ id: 'Echo' });

/** Levels of nesting that are echoed; JSON can have more than the stack that writes it. */
const MAX_DEPTH = 100;

const nestsDeeper = (value: unknown, levels: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((child) => nestsDeeper(child, levels - 1)));

/** What arrived, without what is secret in it: to see how a client's requests look after the proxies in between. */
export function debugRoutes(app: App): void {
  const schema = operation({
    operationId: 'echo',
    tags: ['service'],
    summary: 'Answers what it was sent. Not there in production unless it is switched on.',
    body: z.unknown().refine((body) => !nestsDeeper(body, MAX_DEPTH), `Nested deeper than ${MAX_DEPTH}`),
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
