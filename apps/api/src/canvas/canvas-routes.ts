import { archiveCanvas } from '@potentia/domain/canvas/archive-canvas';
import { createCanvas } from '@potentia/domain/canvas/create-canvas';
import { deleteCanvas } from '@potentia/domain/canvas/delete-canvas';
import { getCanvas } from '@potentia/domain/canvas/get-canvas';
import { getSnapshot } from '@potentia/domain/canvas/get-snapshot';
import { listCanvases } from '@potentia/domain/canvas/list-canvases';
import { restoreCanvas } from '@potentia/domain/canvas/restore-canvas';
import {
  canvas,
  type Canvas,
  canvasPage,
  createCanvasBody,
  listCanvasesQuery,
  snapshot,
  updateCanvasMetaBody,
} from '@potentia/domain/canvas/schemas';
import { updateCanvasMeta } from '@potentia/domain/canvas/update-canvas-meta';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { ApiContext } from '../context.ts';
import { expectedVersion, sendTagged, versionTag } from '../platform/etag.ts';
import { type App, noContent, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { CANVAS, canvasPath, CANVASES } from './paths.ts';

const tags = ['canvases'];
const deleteQuery = z.strictObject({
  permanent: z.stringbool().default(false).meta({ description: 'True deletes for good, once no block is left.' }),
});

/** Canvases: create, list, read, change, archive, restore, delete. */
export function canvasRoutes(app: App, context: ApiContext): void {
  collectionRoutes(app, context);
  readRoutes(app, context);
  metaRoutes(app, context);
  lifeRoutes(app, context);
}

function collectionRoutes(app: App, context: ApiContext): void {
  const createSchema = operation({
    operationId: 'createCanvas',
    tags,
    access: 'person',
    scope: 'canvas:write',
    summary: 'Make a canvas, personal or in a workspace',
    body: createCanvasBody,
    ok: { 201: canvas },
    problems: [403, 404, 409, 422],
  });
  app.post(CANVASES, { schema: createSchema }, async (request, reply) => {
    const ctx = userCtx(context, request);
    const { result, replayed } = await createCanvas(ctx, request.body);
    if (replayed) reply.header('idempotency-replayed', 'true');
    reply.code(201).header('location', `${CANVASES}/${result.id}`);
    return sendCanvas(reply, result);
  });

  const listSchema = operation({
    operationId: 'listCanvases',
    tags,
    access: 'person',
    scope: 'canvas:read',
    summary: 'The canvases that you may open, last changed first',
    querystring: listCanvasesQuery,
    ok: { 200: canvasPage },
  });
  app.get(CANVASES, { schema: listSchema }, (request) => listCanvases(userCtx(context, request), request.query));
}

function readRoutes(app: App, context: ApiContext): void {
  const getSchema = operation({
    operationId: 'getCanvas',
    tags,
    access: { canvas: 'viewer' },
    scope: 'canvas:read',
    summary: 'One canvas, with your role on it',
    params: canvasPath,
    ok: { 200: canvas },
    problems: [404],
  });
  app.get(CANVAS, { schema: getSchema }, async (request, reply) =>
    sendCanvas(reply, await getCanvas(userCtx(context, request), request.params)),
  );

  const snapshotSchema = operation({
    operationId: 'getCanvasSnapshot',
    tags,
    access: { canvas: 'viewer' },
    scope: 'canvas:read',
    summary: 'The canvas, its blocks and its sequence as of one moment',
    params: canvasPath,
    ok: { 200: snapshot, 304: noContent('Nothing has happened since.') },
    problems: [404],
  });
  app.get(`${CANVAS}/snapshot`, { schema: snapshotSchema }, async (request, reply) => {
    const text = await getSnapshot(userCtx(context, request), request.params);
    return sendTagged(request, reply, snapshotTag(text), text);
  });
}

function metaRoutes(app: App, context: ApiContext): void {
  const schema = (operationId: string, summary: string) =>
    operation({
      operationId,
      tags,
      access: { canvas: 'editor' },
      scope: 'canvas:write',
      summary,
      description: 'With If-Match only if the canvas is still at that version.',
      params: canvasPath,
      body: updateCanvasMetaBody,
      ok: { 200: canvas },
      problems: [403, 404, 409, 412],
    });
  for (const [path, operationId] of [
    [CANVAS, 'updateCanvas'],
    [`${CANVAS}/meta`, 'updateCanvasMeta'],
  ] as const) {
    app.patch(path, { schema: schema(operationId, 'Change title and icon') }, async (request, reply) => {
      const expected_version = expectedVersion(request) ?? undefined;
      const input = { ...request.body, ...request.params, expected_version };
      return sendCanvas(reply, await updateCanvasMeta(userCtx(context, request), input));
    });
  }
}

function lifeRoutes(app: App, context: ApiContext): void {
  const schema = (operationId: string, summary: string) =>
    operation({
      operationId,
      tags,
      access: { canvas: 'admin' },
      scope: 'canvas:write',
      summary,
      params: canvasPath,
      ok: { 200: canvas },
      problems: [403, 404, 409],
    });

  app.post(
    `${CANVAS}/archive`,
    { schema: schema('archiveCanvas', 'Make a canvas read-only') },
    async (request, reply) => sendCanvas(reply, await archiveCanvas(userCtx(context, request), request.params)),
  );
  app.post(`${CANVAS}/restore`, { schema: schema('restoreCanvas', 'Undo the archiving') }, async (request, reply) =>
    sendCanvas(reply, await restoreCanvas(userCtx(context, request), request.params)),
  );

  const deleteSchema = operation({
    operationId: 'deleteCanvas',
    tags,
    access: { canvas: 'admin' },
    scope: 'canvas:write',
    summary: 'Archive a canvas, or with `permanent=true` delete it for good',
    description:
      'Deleting for good answers 409 while blocks remain; those in the trash go with it. With If-Match only if the canvas is still at that version.',
    params: canvasPath,
    querystring: deleteQuery,
    ok: { 200: canvas, 204: noContent('Deleted for good.') },
    problems: [403, 404, 409, 412],
  });
  app.delete(CANVAS, { schema: deleteSchema }, async (request, reply) => {
    const ctx = userCtx(context, request);
    const input = { ...request.params, expected_version: expectedVersion(request) ?? undefined };
    if (!request.query.permanent) return sendCanvas(reply, await archiveCanvas(ctx, input));
    await deleteCanvas(ctx, input);
    return reply.code(204).send();
  });
}

const sendCanvas = (reply: FastifyReply, row: Canvas): FastifyReply =>
  reply.header('etag', versionTag(row.version)).send(row);

/**
 * `epoch`, `seq` and the caller's role (which changes without an event) name a snapshot. They are read off the text, whose
 * own fields stand before the blocks' in whatever order Postgres writes them.
 */
function snapshotTag(text: string): string {
  const epoch = /"epoch": ?"([^"]+)"/.exec(text)?.[1] ?? '';
  const seq = /"seq": ?(\d+)/.exec(text)?.[1] ?? '';
  const role = /"role": ?"([a-z]+)"/.exec(text)?.[1] ?? '';
  return `W/"${epoch}-${seq}-${role}"`;
}
