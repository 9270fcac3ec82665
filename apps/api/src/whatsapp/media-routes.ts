import { completeMedia } from '@potentia/domain/whatsapp/complete-media';
import { createMedia } from '@potentia/domain/whatsapp/create-media';
import {
  createMediaBody,
  downloadQuery,
  mediaAnswer,
  mediaDownload,
  mediaRef,
  mediaUpload,
  messageRef,
} from '@potentia/domain/whatsapp/door-schemas';
import { getMessageMedia } from '@potentia/domain/whatsapp/get-message-media';
import { sessionRef } from '@potentia/domain/whatsapp/session-schemas';
import type { ApiContext } from '../context.ts';
import { type App, noContent, operation } from '../platform/openapi.ts';
import { userCtx } from '../platform/request-context.ts';
import { SESSION } from './paths.ts';

const tags = ['whatsapp'];
const MEDIA = `${SESSION}/media`;
const asWriter = { tags, access: { session: 'member' }, scope: 'whatsapp:write' } as const;

/** Files: their content goes straight between the client and object storage. */
export function mediaRoutes(app: App, context: ApiContext): void {
  const createSchema = operation({
    ...asWriter,
    operationId: 'createWhatsappMedia',
    summary: 'Announce a file that is to be sent, and learn where to upload it',
    description: 'Send the content to `upload.url` as `upload` says, confirm with `complete`, then send `media_id`.',
    params: sessionRef,
    body: createMediaBody,
    ok: { 201: mediaUpload },
    problems: [404, 409],
  });
  app.post(MEDIA, { schema: createSchema }, async (request, reply) => {
    reply.code(201).header('cache-control', 'no-store');
    return createMedia(userCtx(context, request), { ...request.body, ...request.params });
  });

  const completeSchema = operation({
    ...asWriter,
    operationId: 'completeWhatsappMedia',
    summary: 'Confirm the upload of a file',
    description: 'Its size and type must be what was announced. Sent twice, it is confirmed once.',
    params: mediaRef,
    ok: { 200: mediaAnswer },
    problems: [404, 409],
  });
  app.post(`${MEDIA}/:media_id/complete`, { schema: completeSchema }, (request) =>
    completeMedia(userCtx(context, request), request.params),
  );

  const downloadSchema = operation({
    operationId: 'getWhatsappMessageMedia',
    tags,
    access: { session: 'member' },
    scope: 'whatsapp:read',
    summary: 'Where the file of a message can be downloaded',
    description: 'A signed address, good for some minutes; with `redirect=true` the answer leads there.',
    params: messageRef,
    querystring: downloadQuery,
    ok: { 200: mediaDownload, 302: noContent('`Location` is the file.') },
    problems: [404, 409],
  });
  app.get(`${SESSION}/messages/:message_id/media`, { schema: downloadSchema }, async (request, reply) => {
    const media = await getMessageMedia(userCtx(context, request), request.params);
    reply.header('cache-control', 'no-store');
    if (request.query.redirect === 'true') return reply.redirect(media.url, 302);
    return media;
  });
}
