import { changeWorkspaceMember } from '@potentia/domain/workspace/change-workspace-member';
import { listWorkspaceMembers } from '@potentia/domain/workspace/list-workspace-members';
import { removeWorkspaceMember } from '@potentia/domain/workspace/remove-workspace-member';
import {
  changeMemberBody,
  listWorkspaceMembersQuery,
  memberChange,
  workspaceMemberPage,
  workspaceMemberRef,
} from '@potentia/domain/workspace/schemas';
import type { ApiContext } from '../context.ts';
import { type App, noContent, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { WORKSPACE, workspacePath } from './paths.ts';

const tags = ['workspaces'];
const MEMBER = `${WORKSPACE}/members/:user_id`;

/** Who is in a workspace: everybody in it sees the list, admins change it. People come by invitation alone. */
export function workspaceMemberRoutes(app: App, context: ApiContext): void {
  const listSchema = operation({
    operationId: 'listWorkspaceMembers',
    tags,
    access: { workspace: 'guest' },
    scope: 'workspace:read',
    summary: 'Everybody in a workspace, the owner first, then by role and name',
    params: workspacePath,
    querystring: listWorkspaceMembersQuery,
    ok: { 200: workspaceMemberPage },
    problems: [404],
  });
  app.get(`${WORKSPACE}/members`, { schema: listSchema }, (request) =>
    listWorkspaceMembers(userCtx(context, request), { ...request.query, ...request.params }),
  );

  const changeSchema = operation({
    operationId: 'changeWorkspaceMember',
    tags,
    access: { workspace: 'admin' },
    scope: 'workspace:admin',
    summary: 'Give a member another role',
    params: workspaceMemberRef,
    body: changeMemberBody,
    ok: { 200: memberChange },
    problems: [403, 404, 409],
  });
  app.patch(MEMBER, { schema: changeSchema }, (request) =>
    changeWorkspaceMember(userCtx(context, request), { ...request.body, ...request.params }),
  );

  const removeSchema = operation({
    operationId: 'removeWorkspaceMember',
    tags,
    access: { workspace: 'admin' },
    scope: 'workspace:admin',
    summary: 'Take a person out of a workspace, and off all its canvases',
    params: workspaceMemberRef,
    ok: { 204: noContent('Removed; open sockets are closed.') },
    problems: [403, 404, 409],
  });
  app.delete(MEMBER, { schema: removeSchema }, async (request, reply) => {
    await removeWorkspaceMember(userCtx(context, request), request.params);
    return reply.code(204).send();
  });
}
