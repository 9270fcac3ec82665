import { cancelTurn } from '@potentia/domain/agent/cancel-turn';
import { followTurn } from '@potentia/domain/agent/follow-run';
import { readRun } from '@potentia/domain/agent/read-run';
import type { LoggedEvent } from '@potentia/domain/agent/run-log';
import { startTurn } from '@potentia/domain/agent/start-turn';
import { turnEvent } from '@potentia/domain/agent/turn-events';
import { startTurnBody, type TurnAnswer, turnAnswer, turnRef } from '@potentia/domain/agent/turn-schemas';
import { AppError } from '@potentia/domain/platform/errors';
import { INTERNAL } from '@potentia/domain/platform/problem';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ApiContext } from '../context.ts';
import { type App, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { EVENT_STREAM, lastEventId, SSE_HEADERS, type SseEvent, sseStream, wantsEvents } from '../platform/sse.ts';

const tags = ['chat'];
const TURNS = '/api/v1/chat/turns';
const TURN = `${TURNS}/:run_id`;

/** Milliseconds that an answer in one piece may be waited for: longer than any turn takes. */
const PATIENCE_MS = 200_000;

const answers = {
  200: {
    description: 'With `Accept: text/event-stream` a stream of `TurnEvent`, else the turn in one piece.',
    content: { 'application/json': { schema: turnAnswer }, [EVENT_STREAM]: { schema: turnEvent } },
  },
};
const last_event_id = {
  name: 'Last-Event-ID',
  description: 'The `id` of the last event that you have: the stream goes on after it.',
};

/** Turns: what a person says, and how it is answered. */
export function turnRoutes(app: App, context: ApiContext): void {
  startRoute(app, context);
  readRoute(app, context);
  cancelRoute(app, context);
}

function startRoute(app: App, context: ApiContext): void {
  const schema = operation({
    operationId: 'startTurn',
    tags,
    access: 'person',
    summary: 'Say something, and have it answered',
    description:
      'The message is stored before a model is asked, the answer before `done`; a client that disconnects loses neither. Send an ' +
      '`Idempotency-Key`: the same again answers what was answered, goes on with the stream, or, when the turn failed, tries again; ' +
      'it is paid once. A failure after the message was stored is an `error` event, or the `error` of the answer, not a status.',
    headers: [
      {
        name: 'Idempotency-Key',
        description:
          'Of your choice: the same key with the same body is one turn; with another body 409 `turn.key_reused`.',
      },
      last_event_id,
    ],
    body: startTurnBody,
    ok: answers,
    problems: [404, 409],
  });
  app.post(TURNS, { schema, config: { deadline_ms: PATIENCE_MS } }, async (request, reply) => {
    const ctx = userCtx(context, request);
    const turn = await startTurn(ctx, request.body);
    reply.header('location', `${TURNS}/${turn.run_id}`);
    if (turn.replayed) reply.header('idempotency-replayed', 'true');
    const reader = readerOf(request, reply);
    const events = turn.events({ after: lastEventId(request.headers['last-event-id']), signal: reader.signal });
    if (wantsEvents(request.headers.accept)) return stream(request, reply, turn.run_id, events, reader);
    return inOnePiece(events, () => readRun(ctx, { run_id: turn.run_id }));
  });
}

function readRoute(app: App, context: ApiContext): void {
  const schema = operation({
    operationId: 'getTurn',
    tags,
    access: 'person',
    summary: 'A turn of yours: as it stands now, or the rest of its stream',
    params: turnRef,
    headers: [last_event_id],
    ok: answers,
    problems: [404],
  });
  app.get(TURN, { schema }, async (request, reply) => {
    const ctx = userCtx(context, request);
    if (!wantsEvents(request.headers.accept)) return readRun(ctx, request.params);
    const reader = readerOf(request, reply);
    const follow = { after: lastEventId(request.headers['last-event-id']), signal: reader.signal };
    return stream(request, reply, request.params.run_id, await followTurn(ctx, request.params, follow), reader);
  });
}

function cancelRoute(app: App, context: ApiContext): void {
  const schema = operation({
    operationId: 'cancelTurn',
    tags,
    access: 'person',
    summary: 'Stop an answer',
    description: 'What was said so far stays, and is paid. A turn that is over stays as it is.',
    params: turnRef,
    ok: { 200: turnAnswer },
    problems: [404],
  });
  app.post(`${TURN}/cancel`, { schema }, (request) => cancelTurn(userCtx(context, request), request.params));
}

/** A reason that costs nothing: a DOMException takes a stack with it, for every reader. */
const GONE = 'gone';

/** Fires when nobody reads any more. */
function readerOf(request: FastifyRequest, reply: FastifyReply): AbortController {
  const reader = new AbortController();
  reply.raw.once('close', () => reader.abort(GONE));
  // A connection on which nothing is sent for a while is idle to the server, unless it is told to wait.
  (request.raw.socket as { setTimeout?: (ms: number) => void }).setTimeout?.(PATIENCE_MS);
  return reader;
}

function stream(
  request: FastifyRequest,
  reply: FastifyReply,
  run_id: string,
  events: AsyncIterable<LoggedEvent>,
  reader: AbortController,
): FastifyReply {
  const failed = (error: unknown): SseEvent | null => {
    if (reader.signal.aborted) return null;
    if (!(error instanceof AppError)) request.log.error({ err: error, request_id: request.id }, 'a stream failed');
    return failureEvent(run_id, error);
  };
  return reply.headers(SSE_HEADERS).send(sseStream(events, { gone: () => reader.abort(GONE), failed }));
}

/** A stream that cannot go on says so, where a status comes too late. It has no number: nothing is to be read after it. */
function failureEvent(run_id: string, error: unknown): SseEvent {
  const { code, message } = error instanceof AppError ? error : INTERNAL;
  const { retry_after_ms = 1_000, reset_at = null } = error instanceof AppError ? error.meta : {};
  return {
    index: 0,
    type: 'error',
    json: JSON.stringify({ type: 'error', run_id, code, detail: message, retry_after_ms, reset_at }),
  };
}

/** Waits for the end of a turn. What its last event tells of a failure is more than what is stored of it. */
async function inOnePiece(events: AsyncIterable<LoggedEvent>, read: () => Promise<TurnAnswer>): Promise<TurnAnswer> {
  let failure: TurnAnswer['error'] = null;
  for await (const { type, json } of events) {
    if (type !== 'error') continue;
    const { code, detail, retry_after_ms, reset_at } = JSON.parse(json) as NonNullable<TurnAnswer['error']>;
    failure = { code, detail, retry_after_ms, reset_at };
  }
  const answer = await read();
  // This process stops, and the answer goes on in another one.
  if (answer.status === 'running')
    throw new AppError('unavailable', 'turn.draining', 'Another replica can tell the answer.', {
      retry_after_ms: 1_000,
    });
  return { ...answer, error: answer.error && (failure ?? answer.error) };
}
