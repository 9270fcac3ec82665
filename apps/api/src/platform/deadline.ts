import { AppError } from '@potentia/domain/platform/errors';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { sendProblem } from './problem.ts';

/**
 * Answers 503 to a request that has run for `limit_ms`, give or take a quarter. Every call behind a route has a deadline of
 * its own; this is for what forgot to have one. One timer looks at the oldest: a timer and an abort signal for each request,
 * as Fastify's `handlerTimeout` has, were 7 % of a hot read.
 */
export function boundRequests(app: FastifyInstance, limit_ms: number): void {
  const running = new Map<FastifyRequest, { reply: FastifyReply; since: number }>();

  app.addHook('onRequest', (request, reply, done) => {
    running.set(request, { reply, since: performance.now() });
    done();
  });
  app.addHook('onResponse', (request, _reply, done) => {
    running.delete(request);
    done();
  });

  const sweep = setInterval(() => {
    const before = performance.now() - limit_ms;
    // In the order in which they came, so the first that is young ends the look.
    for (const [request, { reply, since }] of running) {
      if (since > before) break;
      running.delete(request);
      if (!reply.sent && !reply.raw.destroyed) void sendProblem(tooLong(), request, reply);
    }
  }, limit_ms / 4).unref();
  app.addHook('onClose', (_app, done) => {
    clearInterval(sweep);
    done();
  });
}

const tooLong = (): AppError =>
  new AppError('unavailable', 'http.deadline_exceeded', 'The request took too long and was given up.');
