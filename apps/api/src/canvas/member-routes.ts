import { getPermissions } from '@potentia/domain/canvas/get-permissions';
import { listMembers } from '@potentia/domain/canvas/list-members';
import { access, changeAccessBody, memberList, permissions, setAccessBody } from '@potentia/domain/canvas/schemas';
import { setAccess } from '@potentia/domain/canvas/set-access';
import type { ApiContext } from '../context.ts';
import { type App, noContent, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { CANVAS, canvasPath, memberPath } from './paths.ts';

const tags = ['members'];
const MEMBER = `${CANVAS}/members/:user_id`;

/** Who has access to a canvas: everyone on it sees the list, admins change it. */
export function memberRoutes(app: App, context: ApiContext): void {
  const permissionsSchema = operation({
    operationId: 'getPermissions',
    tags,
    access: { canvas: 'viewer' },
    scope: 'canvas:read',
    summary: 'What you may do on a canvas, and who else is there',
    params: canvasPath,
    ok: { 200: permissions },
    problems: [404],
  });
  app.get(`${CANVAS}/permissions`, { schema: permissionsSchema }, (request) =>
    getPermissions(userCtx(context, request), request.params),
  );

  const listSchema = operation({
    operationId: 'listMembers',
    tags,
    access: { canvas: 'viewer' },
    scope: 'canvas:read',
    summary: 'Everybody with access to a canvas, by any path, with their highest role',
    params: canvasPath,
    ok: { 200: memberList },
    problems: [404],
  });
  app.get(`${CANVAS}/members`, { schema: listSchema }, async (request) => ({
    items: await listMembers(userCtx(context, request), request.params),
  }));

  changeRoutes(app, context);
}

function changeRoutes(app: App, context: ApiContext): void {
  const problems = [403, 404, 409];

  const inviteSchema = operation({
    operationId: 'inviteMember',
    tags,
    access: { canvas: 'admin' },
    scope: 'workspace:admin',
    summary: 'Give a person access at once, or change the role of their invitation',
    params: canvasPath,
    body: setAccessBody,
    ok: { 200: access },
    problems,
  });
  app.post(`${CANVAS}/members`, { schema: inviteSchema }, (request) =>
    setAccess(userCtx(context, request), { ...request.body, ...request.params }),
  );

  const changeSchema = operation({
    operationId: 'changeMember',
    tags,
    access: { canvas: 'admin' },
    scope: 'workspace:admin',
    summary: 'Change the role of an invitation that is there',
    params: memberPath,
    body: changeAccessBody,
    ok: { 200: access },
    problems,
  });
  app.patch(MEMBER, { schema: changeSchema }, (request) =>
    setAccess(userCtx(context, request), { ...request.body, ...request.params, only_invited: true }),
  );

  const removeSchema = operation({
    operationId: 'removeMember',
    tags,
    access: { canvas: 'admin', oneself: 'viewer' },
    scope: 'workspace:admin',
    summary: 'Take an invitation back, or leave the canvas',
    description:
      'With your own id you take back the invitation to yourself, whatever its role. Where your access comes from the ' +
      'workspace, `canvas.not_invited` (409) says so: leave the workspace instead; its owner cannot (`canvas.owner_fixed`).',
    params: memberPath,
    ok: { 204: noContent('Taken back; open sockets are closed.') },
    problems,
  });
  app.delete(MEMBER, { schema: removeSchema }, async (request, reply) => {
    await setAccess(userCtx(context, request), { ...request.params, role: null });
    return reply.code(204).send();
  });
}
