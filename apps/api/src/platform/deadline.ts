import { AppError } from '@potentia/domain/platform/errors';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { sendProblem } from './problem.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Milliseconds that a request of this route may run, where that is not the time of all. */
    deadline_ms?: number;
  }
  interface FastifyRequest {
    /** Where the sweep of `boundRequests` finds this request. */
    sweep_slot: number;
  }
}

interface Running {
  request: FastifyRequest;
  reply: FastifyReply;
  since: number;
}

/**
 * Answers 503 to a request that has run for `limit_ms`, give or take a quarter, without the beginning of an answer. Every
 * call behind a route has a deadline of its own; this is for what forgot to have one. One timer looks at all of them: a
 * timer and an abort signal for each request, as Fastify's `handlerTimeout` has, were 7 % of a hot read.
 */
export function boundRequests(app: FastifyInstance, limit_ms: number): void {
  // Slots that are used again, not a Map or Set: the table that V8 leaves behind when one of those is rehashed points to
  // its entries and to the next table, and once in old space keeps every later request alive until a full collection.
  const running: (Running | null)[] = [];
  const free: number[] = [];

  app.decorateRequest('sweep_slot', -1);
  app.addHook('onRequest', (request, reply, done) => {
    const slot = free.pop() ?? running.length;
    running[slot] = { request, reply, since: performance.now() };
    request.sweep_slot = slot;
    done();
  });
  app.addHook('onResponse', (request, _reply, done) => {
    running[request.sweep_slot] = null;
    free.push(request.sweep_slot);
    done();
  });

  const sweep = setInterval(() => {
    const now = performance.now();
    for (const entry of running) {
      if (!entry || now - entry.since < limit_ms) continue;
      const { request, reply, since } = entry;
      if (now - since < (request.routeOptions.config.deadline_ms ?? 0)) continue;
      // Of an answer that has begun nothing can be taken back: a stream bounds itself, and its idle socket ends it.
      if (!reply.sent && !reply.raw.headersSent && !reply.raw.destroyed) void sendProblem(tooLong(), request, reply);
    }
  }, limit_ms / 4).unref();
  app.addHook('onClose', (_app, done) => {
    clearInterval(sweep);
    done();
  });
}

const tooLong = (): AppError =>
  new AppError('unavailable', 'http.deadline_exceeded', 'The request took too long and was given up.');
