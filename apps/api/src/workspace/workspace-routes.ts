import { createWorkspace } from '@potentia/domain/workspace/create-workspace';
import { deleteWorkspace } from '@potentia/domain/workspace/delete-workspace';
import { getWorkspace } from '@potentia/domain/workspace/get-workspace';
import { leaveWorkspace } from '@potentia/domain/workspace/leave-workspace';
import { listWorkspaces } from '@potentia/domain/workspace/list-workspaces';
import { restoreWorkspace } from '@potentia/domain/workspace/restore-workspace';
import {
  createWorkspaceBody,
  deleteWorkspaceQuery,
  listWorkspacesQuery,
  transferWorkspaceBody,
  updateWorkspaceBody,
  workspace,
  type Workspace,
  workspacePage,
} from '@potentia/domain/workspace/schemas';
import { transferWorkspace } from '@potentia/domain/workspace/transfer-workspace';
import { updateWorkspace } from '@potentia/domain/workspace/update-workspace';
import type { FastifyReply } from 'fastify';
import type { ApiContext } from '../context.ts';
import { expectedVersion, versionTag } from '../platform/etag.ts';
import { type App, noContent, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { workspaceMemberRoutes } from './member-routes.ts';
import { WORKSPACE, workspacePath, WORKSPACES } from './paths.ts';

const tags = ['workspaces'];

/** Workspaces: create, list, read, change, delete, restore, hand over, leave; and their members. */
export function workspaceRoutes(app: App, context: ApiContext): void {
  collectionRoutes(app, context);
  metaRoutes(app, context);
  endRoutes(app, context);
  handOverRoutes(app, context);
  workspaceMemberRoutes(app, context);
}

function collectionRoutes(app: App, context: ApiContext): void {
  const createSchema = operation({
    operationId: 'createWorkspace',
    tags,
    access: 'person',
    summary: 'Make a workspace, which you own',
    body: createWorkspaceBody,
    ok: { 201: workspace },
    problems: [403, 409, 422],
  });
  app.post(WORKSPACES, { schema: createSchema }, async (request, reply) => {
    const { result, replayed } = await createWorkspace(userCtx(context, request), request.body);
    if (replayed) reply.header('idempotency-replayed', 'true');
    reply.code(201).header('location', `${WORKSPACES}/${result.id}`);
    return sendWorkspace(reply, result);
  });

  const listSchema = operation({
    operationId: 'listWorkspaces',
    tags,
    access: 'person',
    scope: 'workspace:read',
    summary: 'The workspaces that you are in, with your role, your personal space first',
    querystring: listWorkspacesQuery,
    ok: { 200: workspacePage },
  });
  app.get(WORKSPACES, { schema: listSchema }, (request) => listWorkspaces(userCtx(context, request), request.query));
}

function metaRoutes(app: App, context: ApiContext): void {
  const getSchema = operation({
    operationId: 'getWorkspace',
    tags,
    access: { workspace: 'guest' },
    scope: 'workspace:read',
    summary: 'One workspace, with your role in it',
    params: workspacePath,
    ok: { 200: workspace },
    problems: [404],
  });
  app.get(WORKSPACE, { schema: getSchema }, async (request, reply) =>
    sendWorkspace(reply, await getWorkspace(userCtx(context, request), request.params)),
  );

  const updateSchema = operation({
    operationId: 'updateWorkspace',
    tags,
    access: { workspace: 'admin' },
    scope: 'workspace:admin',
    summary: 'Change name and icon',
    description: 'With If-Match only if the workspace is still at that version.',
    params: workspacePath,
    body: updateWorkspaceBody,
    ok: { 200: workspace },
    problems: [403, 404, 412],
  });
  app.patch(WORKSPACE, { schema: updateSchema }, async (request, reply) => {
    const expected_version = expectedVersion(request) ?? undefined;
    const input = { ...request.body, ...request.params, expected_version };
    return sendWorkspace(reply, await updateWorkspace(userCtx(context, request), input));
  });
}

function endRoutes(app: App, context: ApiContext): void {
  const deleteSchema = operation({
    operationId: 'deleteWorkspace',
    tags,
    access: { workspace: 'owner' },
    summary: 'Delete a workspace with everything in it; `name` must be its exact name',
    description:
      'At once nobody but you sees it. For 30 days you can restore it (`purge_at`), then it is gone for good. With If-Match ' +
      'only if the workspace is still at that version.',
    params: workspacePath,
    querystring: deleteWorkspaceQuery,
    ok: { 200: workspace },
    problems: [403, 404, 409, 412],
  });
  app.delete(WORKSPACE, { schema: deleteSchema }, async (request, reply) => {
    const expected_version = expectedVersion(request) ?? undefined;
    const input = { ...request.query, ...request.params, expected_version };
    return sendWorkspace(reply, await deleteWorkspace(userCtx(context, request), input));
  });

  const restoreSchema = operation({
    operationId: 'restoreWorkspace',
    tags,
    access: { workspace: 'owner' },
    summary: 'Undo the deletion of a workspace',
    params: workspacePath,
    ok: { 200: workspace },
    problems: [403, 404],
  });
  app.post(`${WORKSPACE}/restore`, { schema: restoreSchema }, async (request, reply) =>
    sendWorkspace(reply, await restoreWorkspace(userCtx(context, request), request.params)),
  );
}

function handOverRoutes(app: App, context: ApiContext): void {
  const transferSchema = operation({
    operationId: 'transferWorkspace',
    tags,
    access: { workspace: 'owner' },
    summary: 'Make a member the owner; you stay as an admin',
    params: workspacePath,
    body: transferWorkspaceBody,
    ok: { 200: workspace },
    problems: [403, 404, 409],
  });
  app.post(`${WORKSPACE}/transfer`, { schema: transferSchema }, async (request, reply) => {
    const input = { ...request.body, ...request.params };
    return sendWorkspace(reply, await transferWorkspace(userCtx(context, request), input));
  });

  const leaveSchema = operation({
    operationId: 'leaveWorkspace',
    tags,
    access: { workspace: 'guest' },
    summary: 'End your membership; the owner hands over first',
    params: workspacePath,
    ok: { 204: noContent('Left; open sockets are closed.') },
    problems: [404, 409],
  });
  app.post(`${WORKSPACE}/leave`, { schema: leaveSchema }, async (request, reply) => {
    await leaveWorkspace(userCtx(context, request), request.params);
    return reply.code(204).send();
  });
}

const sendWorkspace = (reply: FastifyReply, row: Workspace): FastifyReply =>
  reply.header('etag', versionTag(row.version)).send(row);
