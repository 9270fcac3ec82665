import type { FastifyInstance } from 'fastify';

/** A request that came to `/webhooks/…`, as it was received. */
export interface ReceivedWebhook {
  path: string;
  received_at: string;
  headers: Record<string, string | string[] | undefined>;
  /** The raw text: what was signed. */
  body: string;
}

const KEPT = 200;
const SHOWN = /^(webhook-|content-type$|user-agent$)/;

/**
 * A server to point a webhook at: whatever is posted below `/webhooks/` is taken with 204 and listed at `GET /webhooks`,
 * newest first. `/webhooks/status/<code>` answers that status instead, to see what happens to an endpoint that fails.
 */
export function registerWebhooks(app: FastifyInstance): void {
  const received: ReceivedWebhook[] = [];
  void app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, parsed) => parsed(null, body));
    scope.post<{ Params: { '*': string } }>('/webhooks/*', (request, reply) => {
      const path = request.url;
      const shown = Object.entries(request.headers).filter(([name]) => SHOWN.test(name));
      const body = typeof request.body === 'string' ? request.body : '';
      received.unshift({ path, received_at: new Date().toISOString(), headers: Object.fromEntries(shown), body });
      received.length = Math.min(received.length, KEPT);
      const status = Number(/^status\/([2-5]\d\d)$/.exec(request.params['*'])?.[1] ?? 204);
      return reply.code(status).send();
    });
    done();
  });
  app.get('/webhooks', () => ({ items: received }));
}
