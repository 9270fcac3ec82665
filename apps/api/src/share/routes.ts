import { createShareLink } from '@potentia/domain/share/create-share-link';
import { listShareLinks } from '@potentia/domain/share/list-share-links';
import { openShared } from '@potentia/domain/share/open-shared';
import { revokeShareLink } from '@potentia/domain/share/revoke-share-link';
import {
  createdShareLink,
  createShareLinkBody,
  openSharedBody,
  sharedCanvas,
  shareLinkList,
  shareLinkRef,
} from '@potentia/domain/share/schemas';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { CANVAS, canvasPath } from '../canvas/paths.ts';
import type { ApiContext } from '../context.ts';
import { sendJson, sendTagged } from '../platform/etag.ts';
import { type App, noContent, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';

const tags = ['share links'];
const LINKS = `${CANVAS}/share-links`;
const SHARED = '/api/v1/shared/:token';
const access = { canvas: 'admin' } as const;
const scope = 'workspace:admin';

/** Links by which anybody reads a canvas: admins make and revoke them, and whoever has one needs nothing else. */
export function shareRoutes(app: App, context: ApiContext): void {
  linkRoutes(app, context);
  sharedRoutes(app, context);
}

function linkRoutes(app: App, context: ApiContext): void {
  const createSchema = operation({
    operationId: 'createShareLink',
    tags,
    access,
    scope,
    summary: 'Make a link by which anybody reads a canvas; the answer is the only one that holds its token',
    params: canvasPath,
    body: createShareLinkBody,
    ok: { 201: createdShareLink },
    problems: [403, 404, 409, 422],
  });
  app.post(LINKS, { schema: createSchema }, async (request, reply) => {
    const input = { ...request.body, ...request.params };
    const { result, replayed } = await createShareLink(userCtx(context, request), input);
    if (replayed) reply.header('idempotency-replayed', 'true');
    return reply.code(201).header('cache-control', 'no-store').send(result);
  });

  const listSchema = operation({
    operationId: 'listShareLinks',
    tags,
    access,
    scope,
    summary: 'The links of a canvas, newest first, the expired too',
    params: canvasPath,
    ok: { 200: shareLinkList },
    problems: [403, 404],
  });
  app.get(LINKS, { schema: listSchema }, async (request) => ({
    items: await listShareLinks(userCtx(context, request), request.params),
  }));

  const revokeSchema = operation({
    operationId: 'revokeShareLink',
    tags,
    access,
    scope,
    summary: 'End a link at once',
    params: shareLinkRef,
    ok: { 204: noContent('Ended.') },
    problems: [403, 404],
  });
  app.delete(`${LINKS}/:share_link_id`, { schema: revokeSchema }, async (request, reply) => {
    await revokeShareLink(userCtx(context, request), request.params);
    return reply.code(204).send();
  });
}

function sharedRoutes(app: App, context: ApiContext): void {
  const { db, clock, limiter, objects } = context;
  const openCtx = (request: FastifyRequest) => ({ db, clock, limiter, objects, address: request.address });
  const params = z.strictObject({ token: z.string().max(512) });
  const config = { auth: 'none', limited: true } as const;
  const problems = [403, 404];

  const getSchema = operation({
    operationId: 'getShared',
    tags,
    auth: false,
    summary: 'Read a shared canvas',
    description:
      'Nothing in the answer names the workspace, the canvas or a person. Whatever lets nobody read (no such link, expired, ' +
      'revoked, canvas archived) is the same 404. To be asked again before each use: a link can be revoked at any time.',
    params,
    ok: { 200: sharedCanvas, 304: noContent('You have it as it is.') },
    problems,
  });
  app.get(SHARED, { schema: getSchema, config }, async (request, reply) => {
    const { text, tag } = await openShared(openCtx(request), request.params);
    return sendTagged(request, reply, tag, text);
  });

  const postSchema = operation({
    operationId: 'openShared',
    tags,
    auth: false,
    summary: 'Read a shared canvas that has a password',
    params,
    body: openSharedBody,
    ok: { 200: sharedCanvas },
    problems,
  });
  app.post(SHARED, { schema: postSchema, config }, async (request, reply) => {
    const { text } = await openShared(openCtx(request), { ...request.body, ...request.params });
    return sendJson(reply.header('cache-control', 'no-store'), text);
  });
}
