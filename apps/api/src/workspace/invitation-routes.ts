import { inviteToCanvas, inviteToWorkspace } from '@potentia/domain/workspace/create-invitation';
import {
  canvasAnswer,
  canvasInvitation,
  canvasInvitationPage,
  invitationPreview,
  inviteToCanvasBody,
  inviteToWorkspaceBody,
  listInvitationsQuery,
  listMyInvitationsQuery,
  myInvitationPage,
  previewBody,
  respondBody,
  workspaceAnswer,
  workspaceInvitation,
  workspaceInvitationPage,
} from '@potentia/domain/workspace/invitation-schemas';
import { listInvitations } from '@potentia/domain/workspace/list-invitations';
import { listMyInvitations } from '@potentia/domain/workspace/list-my-invitations';
import { previewInvitation } from '@potentia/domain/workspace/preview-invitation';
import { resendInvitation } from '@potentia/domain/workspace/resend-invitation';
import { respondToInvitation } from '@potentia/domain/workspace/respond-to-invitation';
import { revokeInvitation } from '@potentia/domain/workspace/revoke-invitation';
import type { Once } from '@potentia/domain/platform/idempotency';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { CANVAS, canvasPath } from '../canvas/paths.ts';
import type { ApiContext } from '../context.ts';
import { type App, noContent, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { id } from '@potentia/domain/platform/schemas';

const tags = ['invitations'];
const INVITATIONS = '/api/v1/invitations';
const workspacePath = z.strictObject({ workspace_id: id });

/** How people come into a workspace or onto a canvas: by invitation, and no other way. */
export function invitationRoutes(app: App, context: ApiContext): void {
  sendingRoutes(app, context, {
    noun: 'Workspace',
    path: '/api/v1/workspaces/:workspace_id',
    params: workspacePath,
    access: { workspace: 'admin' },
    body: inviteToWorkspaceBody,
    one: workspaceInvitation,
    many: workspaceInvitationPage,
    invite: inviteToWorkspace,
  });
  sendingRoutes(app, context, {
    noun: 'Canvas',
    path: CANVAS,
    params: canvasPath,
    access: { canvas: 'admin' },
    body: inviteToCanvasBody,
    one: canvasInvitation,
    many: canvasInvitationPage,
    invite: inviteToCanvas,
  });
  answeringRoutes(app, context);
  previewRoute(app, context);
}

interface Place {
  noun: 'Workspace' | 'Canvas';
  path: string;
  params: typeof workspacePath | typeof canvasPath;
  access: { workspace: 'admin' } | { canvas: 'admin' };
  body: z.ZodType;
  one: z.ZodType;
  many: z.ZodType;
  invite(ctx: ReturnType<typeof userCtx>, input: never): Promise<Once<object>>;
}

/** Invite, list, send again, take back: the same for a workspace and for a canvas. */
function sendingRoutes(app: App, context: ApiContext, place: Place): void {
  const { noun, access, params } = place;
  const path = `${place.path}/invitations`;
  const one = (params as z.ZodObject).extend({ invitation_id: id });
  const shared = { tags, access, scope: 'workspace:admin' } as const;
  type Ref = z.infer<typeof params> & { invitation_id: string };

  const inviteSchema = operation({
    ...shared,
    operationId: `inviteTo${noun}`,
    summary: `Invite somebody to a ${noun.toLowerCase()}`,
    description:
      'A mail with the token follows, and for who has an account an event on `/ws/me`. The role is never above your own.',
    params,
    body: place.body,
    ok: { 201: place.one },
    problems: [403, 404, 409, 422],
  });
  app.post(path, { schema: inviteSchema }, async (request, reply) => {
    const input = { ...(request.body as object), ...request.params } as never;
    return sendOnce(reply.code(201), await place.invite(userCtx(context, request), input));
  });

  const listSchema = operation({
    ...shared,
    operationId: `list${noun}Invitations`,
    summary: `The invitations to a ${noun.toLowerCase()}, the newest first`,
    params,
    querystring: listInvitationsQuery,
    ok: { 200: place.many },
    problems: [403, 404],
  });
  app.get(path, { schema: listSchema }, (request) =>
    listInvitations(userCtx(context, request), { ...request.query, ...request.params }),
  );

  const resendSchema = operation({
    ...shared,
    operationId: `resend${noun}Invitation`,
    summary: 'Send an invitation again',
    description: 'With a new token and a new end; the old token ends. Revives an invitation that ran out.',
    params: one,
    ok: { 200: place.one },
    problems: [403, 404, 409, 422],
  });
  app.post(`${path}/:invitation_id/resend`, { schema: resendSchema }, async (request, reply) =>
    sendOnce(reply, await resendInvitation(userCtx(context, request), request.params as Ref)),
  );

  const revokeSchema = operation({
    ...shared,
    operationId: `revoke${noun}Invitation`,
    summary: 'Take an invitation back',
    params: one,
    ok: { 204: noContent('Its token is good for nothing any more.') },
    problems: [403, 404, 409],
  });
  app.delete(`${path}/:invitation_id`, { schema: revokeSchema }, async (request, reply) => {
    await revokeInvitation(userCtx(context, request), request.params as Ref);
    return reply.code(204).send();
  });
}

/** What the invited does. */
function answeringRoutes(app: App, context: ApiContext): void {
  const mineSchema = operation({
    operationId: 'listMyInvitations',
    tags,
    access: 'person',
    summary: 'Invitations that you can answer, the newest first',
    querystring: listMyInvitationsQuery,
    ok: { 200: myInvitationPage },
  });
  app.get(INVITATIONS, { schema: mineSchema }, (request) =>
    listMyInvitations(userCtx(context, request), request.query),
  );

  for (const [kind, answer] of [
    ['workspace', workspaceAnswer],
    ['canvas', canvasAnswer],
  ] as const) {
    const schema = operation({
      operationId: `respondTo${kind === 'workspace' ? 'Workspace' : 'Canvas'}Invitation`,
      tags,
      access: 'person',
      summary: `Accept or reject an invitation to a ${kind}`,
      description:
        'By the token of the mail, or by the id from the list. Once; an invitation to an address only by who signs in with it.',
      body: respondBody,
      ok: { 200: answer },
      problems: [403, 404, 409, 422],
    });
    app.post(`${INVITATIONS}/${kind}/respond`, { schema }, async (request, reply) =>
      sendOnce(reply, await respondToInvitation(userCtx(context, request), { ...request.body, kind })),
    );
  }
}

function previewRoute(app: App, context: ApiContext): void {
  const schema = operation({
    operationId: 'previewInvitation',
    tags,
    summary: 'Who invites to which workspace, for whoever holds the token',
    auth: false,
    body: previewBody,
    ok: { 200: invitationPreview },
    problems: [404, 409],
  });
  app.post(`${INVITATIONS}/preview`, { config: { auth: 'none', limited: true }, schema }, (request, reply) => {
    reply.header('cache-control', 'no-store');
    return previewInvitation(context, request.body);
  });
}

function sendOnce(reply: FastifyReply, { result, replayed }: Once<object>): FastifyReply {
  if (replayed) reply.header('idempotency-replayed', 'true');
  return reply.send(result);
}
