import { createRolePrompt } from '@potentia/domain/agent/create-role-prompt';
import { deleteRolePrompt } from '@potentia/domain/agent/delete-role-prompt';
import { getRolePrompt } from '@potentia/domain/agent/get-role-prompt';
import { listRolePrompts, listWorkspaceRolePrompts } from '@potentia/domain/agent/list-role-prompts';
import {
  createRolePromptBody,
  listRolePromptsQuery,
  rolePrompt,
  type RolePrompt,
  rolePromptList,
  rolePromptRef,
  updateRolePromptBody,
} from '@potentia/domain/agent/role-prompt-schemas';
import { updateRolePrompt } from '@potentia/domain/agent/update-role-prompt';
import type { FastifyReply } from 'fastify';
import type { ApiContext } from '../context.ts';
import { expectedVersion, versionTag } from '../platform/etag.ts';
import { type App, noContent, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { WORKSPACE, workspacePath } from '../workspace/paths.ts';

const tags = ['agent'];
const ROLES = `${WORKSPACE}/role-prompts`;
const ROLE = `${ROLES}/:role_prompt_id`;
const member = { access: { workspace: 'member' }, scope: 'workspace:read' } as const;
const admin = { access: { workspace: 'admin' }, scope: 'workspace:admin' } as const;

/** How the specialist may be: built-in roles, and those of a workspace, which its admins write. */
export function rolePromptRoutes(app: App, context: ApiContext): void {
  readRoutes(app, context);
  createRoute(app, context);
  changeRoutes(app, context);
}

function readRoutes(app: App, context: ApiContext): void {
  const allSchema = operation({
    operationId: 'listRolePrompts',
    tags,
    access: 'person',
    summary: 'The roles that may answer you: the built-in ones, and with `workspace_id` those of a workspace',
    description:
      'For each turn the role that it is most like is chosen, else the default `partner`; you may fix one in your chat settings. ' +
      '`visionary`, `organizer` and `starter` are coaching frames.',
    querystring: listRolePromptsQuery,
    ok: { 200: rolePromptList },
    problems: [404],
  });
  app.get('/api/v1/role-prompts', { schema: allSchema }, (request) =>
    listRolePrompts(userCtx(context, request), request.query),
  );

  const listSchema = operation({
    operationId: 'listWorkspaceRolePrompts',
    tags,
    ...member,
    summary: 'The roles of a workspace, by name',
    params: workspacePath,
    ok: { 200: rolePromptList },
    problems: [404],
  });
  app.get(ROLES, { schema: listSchema }, (request) =>
    listWorkspaceRolePrompts(userCtx(context, request), request.params),
  );

  const getSchema = operation({
    operationId: 'getRolePrompt',
    tags,
    ...member,
    summary: 'One role of a workspace',
    params: rolePromptRef,
    ok: { 200: rolePrompt },
    problems: [404],
  });
  app.get(ROLE, { schema: getSchema }, async (request, reply) =>
    sendRole(reply, await getRolePrompt(userCtx(context, request), request.params)),
  );
}

function createRoute(app: App, context: ApiContext): void {
  const schema = operation({
    operationId: 'createRolePrompt',
    tags,
    ...admin,
    summary: 'Add a role to a workspace',
    description:
      'At most 50. It may answer every member whose message is like its aim and examples, in turns that the workspace pays.',
    params: workspacePath,
    body: createRolePromptBody,
    ok: { 201: rolePrompt },
    problems: [404, 409, 422],
  });
  app.post(ROLES, { schema }, async (request, reply) => {
    const input = { ...request.body, ...request.params };
    const { result, replayed } = await createRolePrompt(userCtx(context, request), input);
    if (replayed) reply.header('idempotency-replayed', 'true');
    return sendRole(reply.code(201), result);
  });
}

function changeRoutes(app: App, context: ApiContext): void {
  const updateSchema = operation({
    operationId: 'updateRolePrompt',
    tags,
    ...admin,
    summary: 'Change a role of a workspace, or switch it off',
    description: 'With If-Match only if it is still at that version.',
    params: rolePromptRef,
    body: updateRolePromptBody,
    ok: { 200: rolePrompt },
    problems: [404, 409, 412],
  });
  app.patch(ROLE, { schema: updateSchema }, async (request, reply) => {
    const expected_version = expectedVersion(request) ?? undefined;
    const input = { ...request.body, ...request.params, expected_version };
    return sendRole(reply, await updateRolePrompt(userCtx(context, request), input));
  });

  const deleteSchema = operation({
    operationId: 'deleteRolePrompt',
    tags,
    ...admin,
    summary: 'Delete a role of a workspace',
    description: 'Whoever had fixed it is answered by the role that suits.',
    params: rolePromptRef,
    ok: { 204: noContent('Deleted.') },
    problems: [404],
  });
  app.delete(ROLE, { schema: deleteSchema }, async (request, reply) => {
    await deleteRolePrompt(userCtx(context, request), request.params);
    return reply.code(204).send();
  });
}

const sendRole = (reply: FastifyReply, row: RolePrompt): FastifyReply =>
  reply.header('etag', versionTag(row.version)).send(row);
