import { getBlock } from '@potentia/domain/canvas/get-block';
import { leaveCanvas } from '@potentia/domain/canvas/leave-canvas';
import { listBlocks } from '@potentia/domain/canvas/list-blocks';
import { mutateBlocks } from '@potentia/domain/canvas/mutate-blocks';
import { publishPresence } from '@potentia/domain/canvas/publish-presence';
import {
  block,
  blockPage,
  listBlocksQuery,
  mutateBlocksBody,
  mutationResult,
  presenceBody,
} from '@potentia/domain/canvas/schemas';
import type { ApiContext } from '../context.ts';
import { isUnchanged, sendJson, versionTag } from '../platform/etag.ts';
import { type App, noContent, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { blockPath, CANVAS, canvasPath } from './paths.ts';

const tags = ['blocks'];

/** Blocks: read them, change them, and be seen on their canvas without a socket. */
export function blockRoutes(app: App, context: ApiContext): void {
  readRoutes(app, context);
  mutateRoute(app, context);
  presenceRoutes(app, context);
}

function readRoutes(app: App, context: ApiContext): void {
  const pageSchema = operation({
    operationId: 'listBlocks',
    tags,
    access: { canvas: 'viewer' },
    scope: 'canvas:read',
    summary: 'A page of the blocks of a canvas',
    params: canvasPath,
    querystring: listBlocksQuery,
    ok: { 200: blockPage },
    problems: [404],
  });
  app.get(`${CANVAS}/blocks`, { schema: pageSchema }, async (request, reply) => {
    const input = { ...request.params, ...request.query };
    return sendJson(reply, await listBlocks(userCtx(context, request), input));
  });

  const blockSchema = operation({
    operationId: 'getBlock',
    tags,
    access: { canvas: 'viewer' },
    scope: 'canvas:read',
    summary: 'One block',
    params: blockPath,
    ok: { 200: block, 304: noContent('The block is still at this version.') },
    problems: [404],
  });
  app.get(`${CANVAS}/blocks/:block_id`, { schema: blockSchema }, async (request, reply) => {
    const row = await getBlock(userCtx(context, request), request.params);
    const tag = versionTag(row.version);
    reply.header('etag', tag);
    return isUnchanged(request, tag) ? reply.code(304).send() : reply.send(row);
  });
}

function mutateRoute(app: App, context: ApiContext): void {
  const schema = operation({
    operationId: 'mutateBlocks',
    tags,
    access: { canvas: 'editor' },
    scope: 'canvas:write',
    summary: 'Create, edit, move, copy, delete and restore blocks, all or nothing',
    description:
      'One mutation is one event. Its `mutation_id` makes it idempotent: sent again, it answers what it answered. A stale ' +
      '`version` changes nothing and answers 409 with the current block.',
    params: canvasPath,
    body: mutateBlocksBody,
    ok: { 200: mutationResult },
    problems: [403, 404, 409],
  });
  app.post(`${CANVAS}/mutate`, { schema }, async (request, reply) => {
    const input = { ...request.body, ...request.params };
    const result = await mutateBlocks(userCtx(context, request), input);
    if (result.replayed) reply.header('idempotency-replayed', 'true');
    return result;
  });
}

function presenceRoutes(app: App, context: ApiContext): void {
  const presenceSchema = operation({
    operationId: 'publishPresence',
    tags,
    access: { canvas: 'viewer' },
    scope: 'canvas:read',
    summary: 'Show the others your cursor, selection and name',
    params: canvasPath,
    body: presenceBody,
    ok: { 204: noContent('Sent on; nothing is stored.') },
    problems: [404],
  });
  app.post(`${CANVAS}/presence`, { schema: presenceSchema }, async (request, reply) => {
    const input = { ...request.body, ...request.params };
    await publishPresence(userCtx(context, request), input);
    return reply.code(204).send();
  });

  const leaveSchema = operation({
    operationId: 'leaveCanvas',
    tags,
    access: { canvas: 'viewer' },
    scope: 'canvas:read',
    summary: 'Take your presence off a canvas',
    description: 'Your access to it stays.',
    params: canvasPath,
    ok: { 204: noContent('Done.') },
    problems: [404],
  });
  app.post(`${CANVAS}/leave`, { schema: leaveSchema }, async (request, reply) => {
    await leaveCanvas(userCtx(context, request), request.params);
    return reply.code(204).send();
  });
}
