import { createExport } from '@potentia/domain/workspace/create-export';
import { createImport } from '@potentia/domain/workspace/create-import';
import { getExport, getImport } from '@potentia/domain/workspace/get-transfer';
import { listTransfers } from '@potentia/domain/workspace/list-transfers';
import { startImport } from '@potentia/domain/workspace/start-import';
import {
  createImportBody,
  exportPage,
  importPage,
  importUpload,
  listTransfersQuery,
  workspaceExport,
  workspaceImport,
} from '@potentia/domain/workspace/transfer-schemas';
import { z } from 'zod';
import type { ApiContext } from '../context.ts';
import { type App, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { WORKSPACE, workspacePath } from './paths.ts';
import { id } from '@potentia/domain/platform/schemas';

const tags = ['transfers'];
const EXPORTS = `${WORKSPACE}/exports`;
const IMPORTS = `${WORKSPACE}/imports`;
const transferPath = z.strictObject({ workspace_id: id, transfer_id: id });
/** Every one of them is for admins. */
const admins = { tags, access: { workspace: 'admin' }, scope: 'workspace:admin' } as const;

/** A whole workspace as a zip, and back: asked for here, done by a job. */
export function transferRoutes(app: App, context: ApiContext): void {
  exportRoutes(app, context);
  importRoutes(app, context);
}

function exportRoutes(app: App, context: ApiContext): void {
  const createSchema = operation({
    ...admins,
    operationId: 'createExport',
    summary: 'Ask for the whole workspace as a zip',
    description: 'A Markdown file for each canvas, every attachment, and a manifest. One at a time.',
    params: workspacePath,
    ok: { 202: workspaceExport },
    problems: [403, 404, 409, 422],
  });
  app.post(EXPORTS, { schema: createSchema }, async (request, reply) => {
    const { result, replayed } = await createExport(userCtx(context, request), request.params);
    if (replayed) reply.header('idempotency-replayed', 'true');
    return reply
      .code(202)
      .header('location', `/api/v1/workspaces/${result.workspace_id}/exports/${result.id}`)
      .send(result);
  });

  const listSchema = operation({
    ...admins,
    operationId: 'listExports',
    summary: 'Exports, newest first',
    params: workspacePath,
    querystring: listTransfersQuery,
    ok: { 200: exportPage },
    problems: [403, 404],
  });
  app.get(EXPORTS, { schema: listSchema }, async (request) => {
    const input = { ...request.query, ...request.params };
    const { items, next_cursor } = await listTransfers(userCtx(context, request), 'export', input);
    return { items: items.map((item) => ({ ...item, download: null })), next_cursor };
  });

  const getSchema = operation({
    ...admins,
    operationId: 'getExport',
    summary: 'How far an export is, and where its zip is',
    params: transferPath,
    ok: { 200: workspaceExport },
    problems: [403, 404],
  });
  app.get(`${EXPORTS}/:transfer_id`, { schema: getSchema }, (request) =>
    getExport(userCtx(context, request), request.params),
  );
}

function importRoutes(app: App, context: ApiContext): void {
  const createSchema = operation({
    ...admins,
    operationId: 'createImport',
    summary: 'Announce a zip to import, and learn where to upload it',
    description: 'Send the zip to `upload.url` as `upload` says, then `start` it.',
    params: workspacePath,
    body: createImportBody,
    ok: { 201: importUpload },
    problems: [403, 404, 409, 422],
  });
  app.post(IMPORTS, { schema: createSchema }, async (request, reply) => {
    const input = { ...request.body, ...request.params };
    const { result, replayed } = await createImport(userCtx(context, request), input);
    if (replayed) reply.header('idempotency-replayed', 'true');
    const { workspace_id, id: transfer_id } = result.import;
    reply.header('location', `/api/v1/workspaces/${workspace_id}/imports/${transfer_id}`);
    return reply.code(201).send(result);
  });

  const startSchema = operation({
    ...admins,
    operationId: 'startImport',
    summary: 'Start an import whose zip has been uploaded',
    description: 'It adds canvases and calendars to the workspace, and changes none. Sent twice, it is started once.',
    params: transferPath,
    ok: { 202: workspaceImport },
    problems: [403, 404, 409],
  });
  app.post(`${IMPORTS}/:transfer_id/start`, { schema: startSchema }, async (request, reply) =>
    reply.code(202).send(await startImport(userCtx(context, request), request.params)),
  );

  const listSchema = operation({
    ...admins,
    operationId: 'listImports',
    summary: 'Imports, newest first',
    params: workspacePath,
    querystring: listTransfersQuery,
    ok: { 200: importPage },
    problems: [403, 404],
  });
  app.get(IMPORTS, { schema: listSchema }, (request) =>
    listTransfers(userCtx(context, request), 'import', { ...request.query, ...request.params }),
  );

  const getSchema = operation({
    ...admins,
    operationId: 'getImport',
    summary: 'How far an import is, and what of it could not be done',
    params: transferPath,
    ok: { 200: workspaceImport },
    problems: [403, 404],
  });
  app.get(`${IMPORTS}/:transfer_id`, { schema: getSchema }, (request) =>
    getImport(userCtx(context, request), request.params),
  );
}
