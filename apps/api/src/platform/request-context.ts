import type { MarkdownCtx } from '@potentia/domain/canvas/markdown';
import type { FastifyRequest } from 'fastify';
import type { ApiContext } from '../context.ts';
import { idempotencyKey } from './idempotency.ts';

/** The signed-in caller. Only for routes that need a token. */
function callerOf(request: FastifyRequest): { user_id: string } {
  if (!request.claims) throw new Error(`${request.routeOptions.url ?? 'a route'} asks who calls, but lets anyone call`);
  return request.claims;
}

/** What a verb gets of this request. */
export function userCtx(context: ApiContext, request: FastifyRequest): MarkdownCtx {
  return {
    db: context.db,
    bus: context.bus,
    clock: context.clock,
    markdown: context.markdown,
    // Made when it is asked for: most requests log nothing, and a log of their own is not free.
    get log() {
      return context.log.child({ request_id: request.id });
    },
    actor: { type: 'user', user_id: callerOf(request).user_id },
    request_id: request.id,
    idempotency_key: idempotencyKey(request),
  };
}
