import { getSettings } from '@potentia/domain/workspace/get-settings';
import { type Settings, settings, updateSettingsBody } from '@potentia/domain/workspace/settings-schemas';
import { updateSettings } from '@potentia/domain/workspace/update-settings';
import type { FastifyReply } from 'fastify';
import type { ApiContext } from '../context.ts';
import { expectedVersion, versionTag } from '../platform/etag.ts';
import { type App, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { WORKSPACE, workspacePath } from './paths.ts';

const tags = ['workspaces'];

/** What a workspace decides for itself: origins, limits, language, zone, who may be invited, features. */
export function settingsRoutes(app: App, context: ApiContext): void {
  const getSchema = operation({
    operationId: 'getWorkspaceSettings',
    tags,
    access: { workspace: 'member' },
    scope: 'workspace:read',
    summary: 'The settings of a workspace',
    params: workspacePath,
    ok: { 200: settings },
    problems: [403, 404],
  });
  app.get(`${WORKSPACE}/settings`, { schema: getSchema }, async (request, reply) =>
    send(reply, await getSettings(userCtx(context, request), request.params)),
  );

  const updateSchema = operation({
    operationId: 'updateWorkspaceSettings',
    tags,
    access: { workspace: 'admin' },
    scope: 'workspace:admin',
    summary: 'Change settings',
    description: 'With If-Match only if they are still at that version. Every replica acts by them within seconds.',
    params: workspacePath,
    body: updateSettingsBody,
    ok: { 200: settings },
    problems: [403, 404, 412],
  });
  app.patch(`${WORKSPACE}/settings`, { schema: updateSchema }, async (request, reply) => {
    const expected_version = expectedVersion(request, 0) ?? undefined;
    const input = { ...request.body, ...request.params, expected_version };
    return send(reply, await updateSettings(userCtx(context, request), input));
  });
}

const send = (reply: FastifyReply, row: Settings): FastifyReply =>
  reply.header('etag', versionTag(row.version)).send(row);
