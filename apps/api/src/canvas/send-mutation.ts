import type { FastifyReply } from 'fastify';

/** The answer to a mutation, which says in a header too that it had been applied before. */
export function sendMutation(reply: FastifyReply, result: { replayed: boolean }): FastifyReply {
  if (result.replayed) reply.header('idempotency-replayed', 'true');
  return reply.send(result);
}
