import { createComment } from '@potentia/domain/comment/create-comment';
import { deleteComment } from '@potentia/domain/comment/delete-comment';
import { listComments } from '@potentia/domain/comment/list-comments';
import { reopenThread, resolveThread } from '@potentia/domain/comment/resolve-thread';
import {
  comment,
  commentPage,
  commentRef,
  createCommentBody,
  listCommentsQuery,
  updateCommentBody,
  writtenComment,
} from '@potentia/domain/comment/schemas';
import { updateComment } from '@potentia/domain/comment/update-comment';
import { CANVAS, canvasPath } from '../canvas/paths.ts';
import type { ApiContext } from '../context.ts';
import { type App, noContent, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';

const tags = ['comments'];
const COMMENTS = `${CANVAS}/comments`;
const COMMENT = `${COMMENTS}/:comment_id`;
const access = { canvas: 'commenter' } as const;
const scope = 'canvas:write';
const problems = [403, 404, 409];

/** Comments: threads on a canvas or on one of its blocks. Everybody on it reads them, commenters and above write. */
export function commentRoutes(app: App, context: ApiContext): void {
  listRoute(app, context);
  writeRoutes(app, context);
  resolveRoutes(app, context);
}

function listRoute(app: App, context: ApiContext): void {
  const schema = operation({
    operationId: 'listComments',
    tags,
    access: { canvas: 'viewer' },
    scope: 'canvas:read',
    summary: 'Threads, newest first, or with `thread_id` the replies of one, oldest first',
    params: canvasPath,
    querystring: listCommentsQuery,
    ok: { 200: commentPage },
    problems: [404],
  });
  app.get(COMMENTS, { schema }, (request) =>
    listComments(userCtx(context, request), { ...request.query, ...request.params }),
  );
}

function writeRoutes(app: App, context: ApiContext): void {
  const createSchema = operation({
    operationId: 'createComment',
    tags,
    access,
    scope,
    summary: 'Begin a thread, or reply in one',
    description:
      'One event of the canvas. `mutation_id` makes it idempotent, as with blocks. Whoever is mentioned, and whoever has ' +
      'written in the thread, is told on `/ws/me`.',
    params: canvasPath,
    body: createCommentBody,
    ok: { 201: writtenComment },
    problems,
  });
  app.post(COMMENTS, { schema: createSchema }, async (request, reply) => {
    const written = await createComment(userCtx(context, request), { ...request.body, ...request.params });
    if (written.replayed) reply.header('idempotency-replayed', 'true');
    return reply.code(201).send(written);
  });

  const updateSchema = operation({
    operationId: 'updateComment',
    tags,
    access,
    scope,
    summary: 'Change a comment of your own',
    description: 'A stale `version` changes nothing and answers 409 with the current comment.',
    params: commentRef,
    body: updateCommentBody,
    ok: { 200: writtenComment },
    problems,
  });
  app.patch(COMMENT, { schema: updateSchema }, async (request, reply) => {
    const written = await updateComment(userCtx(context, request), { ...request.body, ...request.params });
    if (written.replayed) reply.header('idempotency-replayed', 'true');
    return written;
  });

  const deleteSchema = operation({
    operationId: 'deleteComment',
    tags,
    access,
    scope,
    summary: "Delete a comment of your own, or as an admin anybody's",
    description:
      'Its words are shown no more; a thread that has replies keeps its place. The audit log keeps how it began.',
    params: commentRef,
    ok: { 204: noContent('Deleted.') },
    problems,
  });
  app.delete(COMMENT, { schema: deleteSchema }, async (request, reply) => {
    await deleteComment(userCtx(context, request), request.params);
    return reply.code(204).send();
  });
}

function resolveRoutes(app: App, context: ApiContext): void {
  const verbs = [
    { name: 'resolve', operationId: 'resolveThread', summary: 'Mark a thread as done', verb: resolveThread },
    { name: 'reopen', operationId: 'reopenThread', summary: 'Take up a thread again', verb: reopenThread },
  ];
  for (const { name, operationId, summary, verb } of verbs) {
    const schema = operation({
      operationId,
      tags,
      access,
      scope,
      summary,
      description: 'Twice changes nothing.',
      params: commentRef,
      ok: { 200: comment },
      problems,
    });
    app.post(`${COMMENT}/${name}`, { schema }, (request) => verb(userCtx(context, request), request.params));
  }
}
