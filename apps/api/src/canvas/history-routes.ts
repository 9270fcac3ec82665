import {
  historyPage,
  pageQuery,
  restoreBlockBody,
  revertBlockBody,
  trashPage,
} from '@potentia/domain/canvas/history-schemas';
import { listBlockHistory } from '@potentia/domain/canvas/list-block-history';
import { listTrash } from '@potentia/domain/canvas/list-trash';
import { restoreBlock } from '@potentia/domain/canvas/restore-block';
import { revertBlock } from '@potentia/domain/canvas/revert-block';
import { mutationResult } from '@potentia/domain/canvas/schemas';
import { z } from 'zod';
import type { ApiContext } from '../context.ts';
import { type App, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { BLOCK, blockPath, CANVAS, canvasPath } from './paths.ts';
import { sendMutation } from './send-mutation.ts';
import { id } from '@potentia/domain/platform/schemas';

const tags = ['history'];
const versionPath = z.strictObject({
  canvas_id: id,
  block_id: id,
  version: z.coerce.number().int().min(1).max(999_999_999),
});

/** What blocks were, and what is in the trash: read it, and bring it back. For editors. */
export function historyRoutes(app: App, context: ApiContext): void {
  historyOfBlock(app, context);
  trashOfCanvas(app, context);
}

function historyOfBlock(app: App, context: ApiContext): void {
  const listSchema = operation({
    operationId: 'listBlockHistory',
    tags,
    access: { canvas: 'editor' },
    scope: 'canvas:read',
    summary: 'Who made which version of a block when, newest first',
    description:
      'Also of a block in the trash. What went to the trash with another block, or came out of it, has no version for that. ' +
      'A page can be shorter than its limit; `next_cursor` says whether there is more.',
    params: blockPath,
    querystring: pageQuery,
    ok: { 200: historyPage },
    problems: [403, 404],
  });
  app.get(`${BLOCK}/history`, { schema: listSchema }, (request) =>
    listBlockHistory(userCtx(context, request), { ...request.params, ...request.query }),
  );

  const restoreSchema = operation({
    operationId: 'restoreBlockVersion',
    tags,
    access: { canvas: 'editor' },
    scope: 'canvas:write',
    summary: 'Make an earlier version of a block new again',
    description:
      'A new version with the type and content of then, where the block is now; out of the trash, if it is there. Only if ' +
      '`version` is still the newest: else 409 with the current block.',
    params: versionPath,
    body: revertBlockBody,
    ok: { 200: mutationResult },
    problems: [403, 404, 409],
  });
  app.post(`${BLOCK}/history/:version/restore`, { schema: restoreSchema }, async (request, reply) => {
    const { version: to_version, ...ref } = request.params;
    return sendMutation(reply, await revertBlock(userCtx(context, request), { ...request.body, ...ref, to_version }));
  });
}

function trashOfCanvas(app: App, context: ApiContext): void {
  const listSchema = operation({
    operationId: 'listTrash',
    tags,
    access: { canvas: 'editor' },
    scope: 'canvas:read',
    summary: 'What was deleted from a canvas, last first',
    description: 'For 30 days. What went to the trash with another block is counted in `below`.',
    params: canvasPath,
    querystring: pageQuery,
    ok: { 200: trashPage },
    problems: [403, 404],
  });
  app.get(`${CANVAS}/trash`, { schema: listSchema }, (request) =>
    listTrash(userCtx(context, request), { ...request.params, ...request.query }),
  );

  const restoreSchema = operation({
    operationId: 'restoreBlock',
    tags,
    access: { canvas: 'editor' },
    scope: 'canvas:write',
    summary: 'Take a block out of the trash, with what went there with it',
    description: 'Back to its place; to the end of the top level where its parent is gone.',
    params: blockPath,
    body: restoreBlockBody,
    ok: { 200: mutationResult },
    problems: [403, 404, 409],
  });
  app.post(`${BLOCK}/restore`, { schema: restoreSchema }, async (request, reply) =>
    sendMutation(reply, await restoreBlock(userCtx(context, request), { ...request.body, ...request.params })),
  );
}
