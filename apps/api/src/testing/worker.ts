import { randomUUID } from 'node:crypto';
import { GATEWAY_SECRETS } from '@potentia/config/testing/gateway-env';
import { AppError } from '@potentia/domain/platform/errors';
import { toProblem } from '@potentia/domain/platform/problem';
import { verifyServiceToken, WORKER_AUDIENCE } from '@potentia/domain/platform/service-token';
import { outboundMessageId } from '@potentia/domain/whatsapp/rules/message-id';
import type { SendMessageInput } from '@potentia/domain/whatsapp/schemas';
import { fastify, type FastifyInstance, type FastifyRequest } from 'fastify';
import { type Answer, asService, type TestApi } from './api.ts';
import { chatOf, contactOf, groupOf, mediaOf, messageOf } from './worker-answers.ts';

/** The one chat that every session has. */
export const CHAT = chatOf('6281200000001');

/** What a worker was told to send. */
export interface TakenSend {
  session_id: string;
  idempotency_key: string;
  requested_by: string;
  request_id: string;
  input: SendMessageInput;
}

/**
 * A process that stands in for a worker where one app may not run another: it registers with the API, checks each token, and answers in
 * the shapes of the real one. It knows what it was told of, session by session.
 */
export interface TestWorker extends AsyncDisposable {
  worker_id: string;
  url: string;
  /** In their order, each key once. */
  sends: TakenSend[];
  /** Each path that was asked, with the session's id in it. */
  asked: string[];
  /** From now on that many requests get no answer that counts. */
  refuse(answer: { status: number; code: string; times: number } | null): void;
  /** Makes it know of something of a session: a message, a group, a file. */
  know(session_id: string, name: string): void;
}

interface State {
  sends: TakenSend[];
  asked: string[];
  known: Set<string>;
  refusal: { status: number; code: string; times: number } | null;
}

type InSession = FastifyRequest<{ Params: { session_id: string; name: string }; Body: Record<string, unknown> }>;

export async function startWorker(api: TestApi, name: string = randomUUID()): Promise<TestWorker> {
  const state: State = { sends: [], asked: [], known: new Set(), refusal: null };
  const server = fastify({ logger: false, forceCloseConnections: true });
  server.setErrorHandler((error, request, reply) => {
    const { status, headers, body } = toProblem(error, { id: request.id, path: request.url });
    return reply.code(status).headers(headers).send(body);
  });
  server.addHook('preHandler', (request) => check(request, state));
  messageRoutes(server, state);
  mediaRoutes(server, state);
  groupRoutes(server, state);
  otherRoutes(server, api);
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  // A test that forgets it still ends.
  server.server.unref();
  const { worker_id } = await registerWorker(api, url, name);
  return {
    worker_id,
    url,
    sends: state.sends,
    asked: state.asked,
    refuse: (answer) => (state.refusal = answer),
    know: (session_id, thing) => state.known.add(`${session_id} ${thing}`),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

/** Tells the API of a worker at this address. */
export async function registerWorker(
  api: TestApi,
  url: string,
  name: string = randomUUID(),
): Promise<{ worker_id: string }> {
  const body = { name, url, version: '1', capacity: 5_000 };
  return registered(await api.call(await asService(), 'POST', '/api/admin/workers/register', body));
}

function registered({ status, text, body }: Answer): { worker_id: string } {
  if (status >= 300) throw new Error(`no worker: ${text}`);
  return body as { worker_id: string };
}

async function check(request: FastifyRequest, state: State): Promise<void> {
  const { session_id } = request.params as { session_id?: string };
  const [, token] = (request.headers.authorization ?? '').split(' ');
  const claims = await verifyServiceToken([GATEWAY_SECRETS.SERVICE_JWT_SECRETS], token, { audience: WORKER_AUDIENCE });
  if (session_id !== undefined && (claims.session_id !== session_id || claims.generation === null))
    throw new AppError('forbidden', 'worker.other_session', 'The token is of another session.');
  state.asked.push(`${request.method} ${request.url}`);
  if (!state.refusal || state.refusal.times <= 0) return;
  state.refusal.times -= 1;
  const { status, code } = state.refusal;
  throw new AppError(status === 409 ? 'conflict' : 'unavailable', code, 'Refused by a test.');
}

function mustKnow(state: State, { params }: InSession, code: string): string {
  const { session_id, name } = params;
  if (!state.known.has(`${session_id} ${name}`)) throw new AppError('not_found', code, 'There is no such thing.');
  return name;
}

function messageRoutes(server: FastifyInstance, state: State): void {
  server.post('/sessions/:session_id/messages', async (request, reply) => {
    const { session_id } = (request as InSession).params;
    const send = { session_id, ...(request.body as Omit<TakenSend, 'session_id'>) };
    const before = state.sends.find(
      (each) => each.session_id === session_id && each.idempotency_key === send.idempotency_key,
    );
    if (before && JSON.stringify(before.input) !== JSON.stringify(send.input))
      throw new AppError('conflict', 'whatsapp.key_reused', 'This Idempotency-Key was used for another message.');
    if (!before) state.sends.push(send);
    const message_id = outboundMessageId(session_id, send.idempotency_key);
    state.known.add(`${session_id} ${message_id}`);
    return reply.code(202).send({ message: messageOf(session_id, message_id), is_new: !before, replayed: !!before });
  });
  server.get('/sessions/:session_id/messages', (request) => {
    const { session_id } = (request as InSession).params;
    return { items: [messageOf(session_id, '3EB0AA')], next_cursor: null };
  });
  server.get('/sessions/:session_id/messages/:name', (request) => {
    const found = mustKnow(state, request as InSession, 'whatsapp.message_not_found');
    return messageOf((request as InSession).params.session_id, found);
  });
}

function mediaRoutes(server: FastifyInstance, state: State): void {
  const expires_at = '2026-03-01T09:15:00.000Z';
  server.get('/sessions/:session_id/messages/:name/media', (request) => {
    mustKnow(state, request as InSession, 'whatsapp.media_not_found');
    return { media: mediaOf(), url: 'http://127.0.0.1:9/file', expires_at };
  });
  server.post('/sessions/:session_id/media', async (request, reply) => {
    const { params, body } = request as InSession;
    const { kind, media_type, size, file_name } = body as unknown as ReturnType<typeof mediaOf>;
    const media = mediaOf({ kind, media_type, size, file_name: file_name ?? null, status: 'awaited' });
    state.known.add(`${params.session_id} ${media.media_id}`);
    const upload = { method: 'PUT', url: 'http://127.0.0.1:9/file', headers: {}, expires_at };
    return reply.code(201).send({ media, upload });
  });
  server.post('/sessions/:session_id/media/:name/complete', (request) => ({
    media: mediaOf({ media_id: mustKnow(state, request as InSession, 'whatsapp.media_not_found') }),
  }));
}

function groupRoutes(server: FastifyInstance, state: State): void {
  const known = (request: FastifyRequest): string => mustKnow(state, request as InSession, 'whatsapp.group_not_found');
  server.get('/sessions/:session_id/groups', () => ({ items: [groupOf('12036300000001')] }));
  server.get('/sessions/:session_id/groups/:name', (request) => groupOf(known(request)));
  server.post('/sessions/:session_id/groups', (_request, reply) => reply.code(201).send(groupOf('12036300000002')));
  server.patch('/sessions/:session_id/groups/:name', (request) => groupOf(known(request), 'changed'));
  server.post('/sessions/:session_id/groups/:name/participants', (request) => {
    known(request);
    const { phones } = request.body as { phones: string[] };
    return { items: phones.map((phone) => ({ phone, status: 'done', reason: null })) };
  });
  server.post('/sessions/:session_id/groups/:name/leave', (request, reply) => {
    known(request);
    return reply.code(204).send();
  });
}

function otherRoutes(server: FastifyInstance, api: TestApi): void {
  server.get('/dead-letters', () => ({ items: [], next_cursor: null }));
  server.post('/dead-letters/redrive', () => ({ count: 0 }));
  server.get('/sessions/:session_id/chats', () => ({
    items: [
      { chat: chatOf('6281200000001'), unread: 1, last_message_at: '2026-03-01T09:00:00.000Z', last_message: null },
    ],
    next_cursor: null,
  }));
  server.get('/sessions/:session_id/contacts', () => ({ items: [contactOf('6281200000001')], next_cursor: null }));
  server.post('/sessions/:session_id/contacts/check', (request) => {
    const { phones } = request.body as { phones: string[] };
    return { items: phones.map((phone) => ({ phone, is_on_whatsapp: true, contact: contactOf(phone) })) };
  });
  server.post('/sessions/:session_id/read', (request, reply) => {
    const { chat_id } = request.body as { chat_id: string };
    if (chat_id !== CHAT.chat_id) throw new AppError('not_found', 'whatsapp.chat_not_found', 'There is no such chat.');
    return reply.code(204).send();
  });
  server.post('/sessions/:session_id/typing', (_request, reply) => reply.code(204).send());
  server.post('/sessions/:session_id/pairing-code', async (request) => {
    const { session_id } = (request as InSession).params;
    const code = { text: 'ABCD1234', serial: 1, expires_at: new Date(Date.now() + 60_000).toISOString() };
    await api.context.live_codes.put('pairing', session_id, code);
    return { serial: code.serial, expires_at: code.expires_at };
  });
}
