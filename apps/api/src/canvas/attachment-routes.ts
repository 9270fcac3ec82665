import {
  attachment,
  attachmentPage,
  attachmentUpload,
  createAttachmentBody,
  listAttachmentsQuery,
} from '@potentia/domain/canvas/attachment-schemas';
import { completeAttachment } from '@potentia/domain/canvas/complete-attachment';
import { createAttachment } from '@potentia/domain/canvas/create-attachment';
import { deleteAttachment } from '@potentia/domain/canvas/delete-attachment';
import { getAttachment } from '@potentia/domain/canvas/get-attachment';
import { listAttachments } from '@potentia/domain/canvas/list-attachments';
import { z } from 'zod';
import type { ApiContext } from '../context.ts';
import { type App, noContent, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { CANVAS, canvasPath } from './paths.ts';
import { id } from '@potentia/domain/platform/schemas';

const tags = ['attachments'];
const ATTACHMENTS = `${CANVAS}/attachments`;
const ATTACHMENT = `${ATTACHMENTS}/:attachment_id`;
const attachmentPath = z.strictObject({ canvas_id: id, attachment_id: id });

/** Files of a canvas: their content goes straight between the client and object storage. */
export function attachmentRoutes(app: App, context: ApiContext): void {
  uploadRoutes(app, context);

  const listSchema = operation({
    operationId: 'listAttachments',
    tags,
    access: { canvas: 'viewer' },
    scope: 'canvas:read',
    summary: 'The files of a canvas, with addresses to download them',
    params: canvasPath,
    querystring: listAttachmentsQuery,
    ok: { 200: attachmentPage },
    problems: [404],
  });
  app.get(ATTACHMENTS, { schema: listSchema }, (request) =>
    listAttachments(userCtx(context, request), { ...request.query, ...request.params }),
  );

  const getSchema = operation({
    operationId: 'getAttachment',
    tags,
    access: { canvas: 'viewer' },
    scope: 'canvas:read',
    summary: 'One file, with an address to download it',
    params: attachmentPath,
    ok: { 200: attachment },
    problems: [404],
  });
  app.get(ATTACHMENT, { schema: getSchema }, (request) => getAttachment(userCtx(context, request), request.params));

  const deleteSchema = operation({
    operationId: 'deleteAttachment',
    tags,
    access: { canvas: 'editor' },
    scope: 'canvas:write',
    summary: 'Take a file off a canvas',
    description: 'Blocks that refer to it stay as they are.',
    params: attachmentPath,
    ok: { 204: noContent('Taken off.') },
    problems: [403, 404, 409],
  });
  app.delete(ATTACHMENT, { schema: deleteSchema }, async (request, reply) => {
    await deleteAttachment(userCtx(context, request), request.params);
    return reply.code(204).send();
  });
}

function uploadRoutes(app: App, context: ApiContext): void {
  const createSchema = operation({
    operationId: 'createAttachment',
    tags,
    access: { canvas: 'editor' },
    scope: 'canvas:write',
    summary: 'Announce a file, and learn where to upload it',
    description: 'Send the content to `upload.url` as `upload` says, then confirm with `complete`.',
    params: canvasPath,
    body: createAttachmentBody,
    ok: { 201: attachmentUpload },
    problems: [403, 404, 409, 422],
  });
  app.post(ATTACHMENTS, { schema: createSchema }, async (request, reply) => {
    const { result, replayed } = await createAttachment(userCtx(context, request), {
      ...request.body,
      ...request.params,
    });
    if (replayed) reply.header('idempotency-replayed', 'true');
    return reply
      .code(201)
      .header('location', `/api/v1/canvases/${result.attachment.canvas_id}/attachments/${result.attachment.id}`)
      .send(result);
  });

  const completeSchema = operation({
    operationId: 'completeAttachment',
    tags,
    access: { canvas: 'editor' },
    scope: 'canvas:write',
    summary: 'Confirm the upload of a file',
    description: 'Its size, its type and its first bytes must be what was announced. Sent twice, it is confirmed once.',
    params: attachmentPath,
    ok: { 200: attachment },
    problems: [403, 404, 409],
  });
  app.post(`${ATTACHMENT}/complete`, { schema: completeSchema }, (request) =>
    completeAttachment(userCtx(context, request), request.params),
  );
}
