import {
  connectSession,
  disconnectSession,
  logoutSession,
  migrateSession,
  restoreSession,
} from '@potentia/domain/whatsapp/ask-session';
import { createSession } from '@potentia/domain/whatsapp/create-session';
import { deleteSession } from '@potentia/domain/whatsapp/delete-session';
import { getSession } from '@potentia/domain/whatsapp/get-session';
import { listSessions } from '@potentia/domain/whatsapp/list-sessions';
import { listUsage } from '@potentia/domain/whatsapp/list-usage';
import {
  connectSessionBody,
  createSessionBody,
  listSessionsQuery,
  migrateSessionBody,
  sessionPage,
  sessionRef,
  updateSessionBody,
  usageList,
  usageQuery,
  type WhatsappSession,
  whatsappSession,
} from '@potentia/domain/whatsapp/session-schemas';
import { updateSession } from '@potentia/domain/whatsapp/update-session';
import type { Once } from '@potentia/domain/platform/idempotency';
import type { FastifyReply } from 'fastify';
import type { ApiContext } from '../context.ts';
import { expectedVersion, versionTag } from '../platform/etag.ts';
import { type App, noContent, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { SESSION, SESSIONS } from './paths.ts';

const tags = ['whatsapp'];
const asAdmin = { tags, access: { session: 'admin' }, scope: 'workspace:admin', params: sessionRef } as const;
const LATER =
  'Answered as soon as it is written down; it is carried out at once if it can be, and else as soon as it can. How the ' +
  'session is then is in `status`, and told by webhook and on `/ws/me`.';

/** Sessions themselves: their cards, and what is asked of them. */
export function sessionRoutes(app: App, context: ApiContext): void {
  collectionRoutes(app, context);
  cardRoutes(app, context);
  stateRoutes(app, context);
  placeRoutes(app, context);
  usageRoute(app, context);
}

function collectionRoutes(app: App, context: ApiContext): void {
  const createSchema = operation({
    operationId: 'createWhatsappSession',
    tags,
    access: 'person',
    scope: 'workspace:admin',
    summary: 'Make the card of a WhatsApp session',
    description: 'For admins of a workspace. Nothing is linked yet, and there is no QR code before `connect`.',
    body: createSessionBody,
    ok: { 201: whatsappSession },
    problems: [404, 409, 422],
  });
  app.post(SESSIONS, { schema: createSchema }, async (request, reply) => {
    const { result, replayed } = await createSession(userCtx(context, request), request.body);
    if (replayed) reply.header('idempotency-replayed', 'true');
    reply.code(201).header('location', `${SESSIONS}/${result.id}`);
    return sendSession(reply, result);
  });

  const listSchema = operation({
    operationId: 'listWhatsappSessions',
    tags,
    access: 'person',
    scope: 'whatsapp:read',
    summary: 'The sessions of your workspaces, or of one, the newest first',
    description: 'Guests of a workspace see none of its sessions.',
    querystring: listSessionsQuery,
    ok: { 200: sessionPage },
  });
  app.get(SESSIONS, { schema: listSchema }, (request) => listSessions(userCtx(context, request), request.query));
}

function cardRoutes(app: App, context: ApiContext): void {
  const getSchema = operation({
    operationId: 'getWhatsappSession',
    tags,
    access: { session: 'member' },
    scope: 'whatsapp:read',
    summary: 'One session, and how it is',
    params: sessionRef,
    ok: { 200: whatsappSession },
    problems: [404],
  });
  app.get(SESSION, { schema: getSchema }, async (request, reply) =>
    sendSession(reply, await getSession(userCtx(context, request), request.params)),
  );

  const updateSchema = operation({
    ...asAdmin,
    operationId: 'updateWhatsappSession',
    summary: 'Change name, settings or the line for strangers',
    description: 'With If-Match only if it still is at that version, which counts these changes alone.',
    body: updateSessionBody,
    ok: { 200: whatsappSession },
    problems: [404, 412],
  });
  app.patch(SESSION, { schema: updateSchema }, async (request, reply) => {
    const expected_version = expectedVersion(request) ?? undefined;
    const input = { ...request.body, ...request.params, expected_version };
    return sendSession(reply, await updateSession(userCtx(context, request), input));
  });

  const deleteSchema = operation({
    ...asAdmin,
    operationId: 'deleteWhatsappSession',
    summary: 'Unlink a session and delete everything of it',
    description: 'For good: its messages, media and keys too. From now on there is no such session.',
    ok: { 204: noContent('There is no such session any more.') },
    problems: [404],
  });
  app.delete(SESSION, { schema: deleteSchema }, async (request, reply) => {
    await deleteSession(userCtx(context, request), request.params);
    return reply.code(204).send();
  });
}

const answersLater = { ok: { 202: whatsappSession } } as const;

function stateRoutes(app: App, context: ApiContext): void {
  const connectSchema = operation({
    ...asAdmin,
    ...answersLater,
    operationId: 'connectWhatsappSession',
    summary: 'Connect a session, or begin to link it',
    description: `What is not linked yet is linked by a QR code or a pairing code. ${LATER}`,
    body: connectSessionBody,
    problems: [404, 422],
  });
  app.post(`${SESSION}/connect`, { schema: connectSchema }, async (request, reply) =>
    sendLater(reply, await connectSession(userCtx(context, request), { ...request.body, ...request.params })),
  );

  const disconnectSchema = operation({
    ...asAdmin,
    ...answersLater,
    operationId: 'disconnectWhatsappSession',
    summary: 'Disconnect a session, which stays linked',
    description: LATER,
    problems: [404, 422],
  });
  app.post(`${SESSION}/disconnect`, { schema: disconnectSchema }, async (request, reply) =>
    sendLater(reply, await disconnectSession(userCtx(context, request), request.params)),
  );

  const logoutSchema = operation({
    ...asAdmin,
    ...answersLater,
    operationId: 'logoutWhatsappSession',
    summary: 'Unlink a session from its phone',
    description: `Its messages stay. ${LATER}`,
    problems: [404, 422],
  });
  app.post(`${SESSION}/logout`, { schema: logoutSchema }, async (request, reply) =>
    sendLater(reply, await logoutSession(userCtx(context, request), request.params)),
  );
}

function placeRoutes(app: App, context: ApiContext): void {
  const migrateSchema = operation({
    ...asAdmin,
    ...answersLater,
    operationId: 'migrateWhatsappSession',
    summary: 'Move a session to another worker',
    description: `No message is lost or doubled. Where no other can take it, it stays. ${LATER}`,
    body: migrateSessionBody,
    problems: [404, 409, 422],
  });
  app.post(`${SESSION}/migrate`, { schema: migrateSchema }, async (request, reply) =>
    sendLater(reply, await migrateSession(userCtx(context, request), { ...request.body, ...request.params })),
  );

  const restoreSchema = operation({
    ...asAdmin,
    ...answersLater,
    operationId: 'restoreWhatsappSession',
    summary: 'Bring the credentials of a session back from its newest backup',
    description: `Only of one that is not linked: it is refused while there are credentials. ${LATER}`,
    problems: [404, 409, 422],
  });
  app.post(`${SESSION}/restore`, { schema: restoreSchema }, async (request, reply) =>
    sendLater(reply, await restoreSession(userCtx(context, request), request.params)),
  );
}

function usageRoute(app: App, context: ApiContext): void {
  const usageSchema = operation({
    operationId: 'listWhatsappUsage',
    tags,
    access: 'person',
    scope: 'whatsapp:read',
    summary: 'What the sessions of a workspace sent and received, by day',
    description: 'For its members, of at most 366 days. As workers last reported; of sessions that are deleted, too.',
    querystring: usageQuery,
    ok: { 200: usageList },
    problems: [404],
  });
  app.get('/api/v1/whatsapp/usage', { schema: usageSchema }, (request) =>
    listUsage(userCtx(context, request), request.query),
  );
}

const sendSession = (reply: FastifyReply, row: WhatsappSession): FastifyReply =>
  reply.header('etag', versionTag(row.version)).send(row);

function sendLater(reply: FastifyReply, { result, replayed }: Once<WhatsappSession>): FastifyReply {
  if (replayed) reply.header('idempotency-replayed', 'true');
  return sendSession(reply.code(202), result);
}
