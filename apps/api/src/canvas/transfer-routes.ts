import { copyBlock } from '@potentia/domain/canvas/copy-block';
import { duplicateCanvas } from '@potentia/domain/canvas/duplicate-canvas';
import {
  duplicateCanvasBody,
  moveBlockBody,
  transferBlockBody,
  transferResult,
} from '@potentia/domain/canvas/history-schemas';
import { moveBlock } from '@potentia/domain/canvas/move-block';
import { canvas } from '@potentia/domain/canvas/schemas';
import type { ApiContext } from '../context.ts';
import { versionTag } from '../platform/etag.ts';
import { type App, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { BLOCK, blockPath, CANVAS, canvasPath, CANVASES } from './paths.ts';
import { sendMutation } from './send-mutation.ts';

/** Blocks with all that stands below them, to other places and canvases; a canvas as a whole. */
export function transferRoutes(app: App, context: ApiContext): void {
  const moveSchema = operation({
    operationId: 'moveBlock',
    tags: ['blocks'],
    access: { canvas: 'editor' },
    scope: 'canvas:write',
    summary: 'Move a block with everything below it, also to another canvas of the workspace',
    description:
      'To another canvas you must be editor of both; at most 5,000 blocks go at once, their ids stay and their history ' +
      'begins anew. With `version` only if the block is still at it. One event on each canvas.',
    params: blockPath,
    body: moveBlockBody,
    ok: { 200: transferResult },
    problems: [403, 404, 409],
  });
  app.post(`${BLOCK}/move`, { schema: moveSchema }, async (request, reply) =>
    sendMutation(reply, await moveBlock(userCtx(context, request), { ...request.body, ...request.params })),
  );

  const copySchema = operation({
    operationId: 'copyBlock',
    tags: ['blocks'],
    access: { canvas: 'editor' },
    scope: 'canvas:write',
    summary: 'Copy a block with everything below it, also to another canvas of the workspace',
    description:
      'Under fresh ids and in the same order, at most 5,000 blocks at once. To another canvas you must be editor of that ' +
      'one, and may be a viewer of this one.',
    params: blockPath,
    body: transferBlockBody,
    ok: { 200: transferResult },
    problems: [403, 404, 409],
  });
  app.post(`${BLOCK}/copy`, { schema: copySchema }, async (request, reply) =>
    sendMutation(reply, await copyBlock(userCtx(context, request), { ...request.body, ...request.params })),
  );

  duplicateRoute(app, context);
}

function duplicateRoute(app: App, context: ApiContext): void {
  const schema = operation({
    operationId: 'duplicateCanvas',
    tags: ['canvases'],
    access: { canvas: 'editor' },
    scope: 'canvas:write',
    summary: 'Make a new canvas with the blocks of this one',
    description:
      'In the same workspace, for its members, with the files that the blocks refer to; without comments, trash and ' +
      'invitations. At most 20,000 blocks.',
    params: canvasPath,
    body: duplicateCanvasBody,
    ok: { 201: canvas },
    problems: [403, 404, 409, 422],
  });
  app.post(`${CANVAS}/duplicate`, { schema }, async (request, reply) => {
    const input = { ...request.body, ...request.params };
    const { result, replayed } = await duplicateCanvas(userCtx(context, request), input);
    if (replayed) reply.header('idempotency-replayed', 'true');
    reply.code(201).header('location', `${CANVASES}/${result.id}`).header('etag', versionTag(result.version));
    return reply.send(result);
  });
}
