import { AppError } from '@potentia/domain/platform/errors';
import { INTERNAL } from '@potentia/domain/platform/problem';
import { type FollowedEvent, followSession } from '@potentia/domain/whatsapp/follow-session';
import { sessionRef } from '@potentia/domain/whatsapp/session-schemas';
import { streamId } from '@potentia/domain/whatsapp/session-stream';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ApiContext } from '../context.ts';
import { type App, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { EVENT_STREAM, SSE_HEADERS, type SseEvent, sseStream } from '../platform/sse.ts';
import { SESSION } from './paths.ts';
import { createSessionReaders } from './session-readers.ts';

/** Of the socket: a comment goes out every 15 s. */
const IDLE_MS = 60_000;

/** What happens in a session, live, over any replica. */
export function sessionEventsRoutes(app: App, context: ApiContext): void {
  const readers = createSessionReaders();
  app.addHook('preClose', (done) => {
    readers.close();
    done();
  });
  const schema = operation({
    operationId: 'followWhatsappSession',
    tags: ['whatsapp'],
    access: { session: 'member' },
    scope: 'whatsapp:read',
    summary: 'Follow a session: its status, messages, and for admins the code to scan',
    description:
      'Server-sent events: `whatsapp.session` at the beginning and with each change, `whatsapp.message`, `whatsapp.message_status`, and for ' +
      'admins `whatsapp.qr` and `whatsapp.pairing_code` (null when it is gone). `Last-Event-ID` goes on after a message, for about an hour ' +
      'and 500 of them. For looking on: whoever must miss nothing takes webhooks.',
    params: sessionRef,
    headers: [{ name: 'Last-Event-ID', description: 'The `id` of the last message that you have.' }],
    ok: {
      200: {
        description: 'A stream that ends when you close it, with your token, or after an hour.',
        content: { [EVENT_STREAM]: { schema: z.string() } },
      },
    },
    problems: [404],
  });
  app.get(`${SESSION}/events`, { schema }, async (request, reply) => {
    const ctx = userCtx(context, request);
    const reader = readers.enter(ctx.actor.user_id);
    try {
      const after = streamId(headerOf(request.headers['last-event-id'])) ?? null;
      const signal = AbortSignal.any([reader.signal, AbortSignal.timeout(lifeOf(request, context))]);
      const events = await followSession(ctx, request.params, { after, signal });
      (request.raw.socket as { setTimeout?: (ms: number) => void }).setTimeout?.(IDLE_MS);
      const failed = (error: unknown) => failureEvent(request, error);
      return await reply.headers(SSE_HEADERS).send(sseStream(asSse(events), { gone: reader.leave, failed }));
    } catch (error) {
      reader.leave();
      throw error;
    }
  });
}

const headerOf = (header: string | string[] | undefined): string | undefined =>
  typeof header === 'string' ? header.trim() : undefined;

/** Not beyond the token's end. */
const lifeOf = ({ claims }: FastifyRequest, { config, clock }: ApiContext): number =>
  Math.max(0, Math.min(config.WHATSAPP_STREAM_MS, (claims?.expires_at ?? 0) - clock().getTime()));

async function* asSse(events: AsyncIterable<FollowedEvent>): AsyncGenerator<SseEvent> {
  for await (const { id, type, json } of events) yield { index: 0, type, json, ...(id !== null && { id }) };
}

/** A stream that cannot go on says so, where a status comes too late. */
function failureEvent(request: FastifyRequest, error: unknown): SseEvent {
  if (!(error instanceof AppError)) request.log.error({ err: error, request_id: request.id }, 'a stream failed');
  const { code, message } = error instanceof AppError ? error : INTERNAL;
  return { index: 0, type: 'error', json: JSON.stringify({ type: 'error', code, detail: message }) };
}
