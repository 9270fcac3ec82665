import { randomBytes } from 'node:crypto';
import { currentTraceparent, inSpan, withTraceparent } from '@potentia/config/telemetry';
import { findRecipient, listUnread, markRead } from '@potentia/db/wa/people-queries';
import { completeUpload, createMedia, getUpload } from '@potentia/db/wa/upload-queries';
import { fromDb } from '@potentia/domain/platform/db-errors';
import { AppError } from '@potentia/domain/platform/errors';
import { invalidField, parseInput } from '@potentia/domain/platform/parse';
import { newId } from '@potentia/domain/platform/uuid';
import { checkContactsBody, createMediaBody, markReadBody, typingBody } from '@potentia/domain/whatsapp/door-schemas';
import { type MediaKind, sendMessageInput } from '@potentia/domain/whatsapp/schemas';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { jidOf, keyOf } from '../outbound/addresses.ts';
import { livePaceOf } from '../outbound/live-pace.ts';
import { checkNumbers } from '../outbound/number-check.ts';
import type { Outbound } from '../outbound/outbound-part.ts';
import type { Commands } from './command-server.ts';
import { connected } from './connected.ts';

const sendCommand = z.strictObject({
  idempotency_key: z.string().min(1).max(255),
  requested_by: z.uuid().nullable().default(null),
  request_id: z.string().max(200).nullable().default(null),
  input: sendMessageInput,
});
const mediaRef = z.object({ session_id: z.uuid(), media_id: z.uuid() });

/** Seconds that an address to upload to is good for. */
const UPLOAD_S = 900;
/** Messages that one call marks as read. */
const MAX_READ = 1_000;
/** What WhatsApp takes for each kind; a document is any file. */
const MEDIA_TYPES: Record<MediaKind, RegExp> = {
  image: /^image\//,
  video: /^video\//,
  audio: /^audio\//,
  voice: /^audio\/ogg/,
  sticker: /^image\/webp$/,
  document: /./,
};

/** What a session sends. */
export const sendRoutes =
  (outbound: Outbound) =>
  (server: FastifyInstance, commands: Commands): void => {
    messageRoute(server, commands, outbound);
    uploadRoutes(server, commands);
    peopleRoutes(server, commands);
  };

function messageRoute(server: FastifyInstance, commands: Commands, outbound: Outbound): void {
  server.post('/sessions/:session_id/messages', async (request, reply) => {
    const session = commands.held(request);
    const command = parseInput(sendCommand, request.body);
    const caller = traceOf(request);
    const { message, is_new } = await withTraceparent(caller ?? undefined, () =>
      inSpan('whatsapp.enqueue', { 'potentia.request_id': command.request_id ?? request.id }, () =>
        outbound.enqueue(session, { ...command, traceparent: currentTraceparent() ?? caller }),
      ),
    );
    return reply.code(202).send({ message, is_new, replayed: !is_new });
  });
}

function traceOf({ headers }: FastifyRequest): string | null {
  const { traceparent } = headers;
  return typeof traceparent === 'string' && /^[0-9a-f-]{55}$/.test(traceparent) ? traceparent : null;
}

function uploadRoutes(server: FastifyInstance, commands: Commands): void {
  const { db, objects, config } = commands.context;

  server.post('/sessions/:session_id/media', async (request, reply) => {
    const { session_id } = commands.held(request);
    const { kind, media_type, size, file_name = null } = parseInput(createMediaBody, request.body);
    if (!MEDIA_TYPES[kind].test(media_type))
      throw invalidField('/media_type', `is no type of ${kind} that WhatsApp takes`);
    if (size > config.WHATSAPP_MEDIA_MAX_BYTES)
      throw invalidField('/size', `must be ${config.WHATSAPP_MEDIA_MAX_BYTES} bytes or fewer`);
    const object_key = `whatsapp/${randomBytes(24).toString('base64url')}`;
    const created = { id: newId(), kind, media_type, size, file_name, object_key };
    const media = await fromDb(() => createMedia(db, session_id, created));
    const upload = await objects.presignPut({ key: object_key, media_type, size, expires_s: UPLOAD_S });
    return reply.code(201).send({ media, upload });
  });

  server.post('/sessions/:session_id/media/:media_id/complete', async (request) => {
    const { session_id } = commands.held(request);
    const { media_id } = parseInput(mediaRef, request.params);
    const { media, object_key } = await fromDb(() => getUpload(db, session_id, media_id));
    if (media.status === 'stored') return { media };
    const found = await objects.head(object_key);
    if (!found) throw new AppError('conflict', 'whatsapp.media_not_uploaded', 'The file is not uploaded.');
    if (found.size !== media.size)
      throw new AppError('conflict', 'whatsapp.media_of_other_size', 'The file is not as large as it was announced.');
    return { media: await fromDb(() => completeUpload(db, session_id, media_id)) };
  });
}

function peopleRoutes(server: FastifyInstance, commands: Commands): void {
  const { db } = commands.context;

  server.post('/sessions/:session_id/read', async (request, reply) => {
    const session = commands.held(request);
    const { chat_id, message_ids = null } = parseInput(markReadBody, request.body);
    const chat = await fromDb(() => listUnread(db, session.session_id, chat_id, message_ids, MAX_READ));
    if (chat.messages.length > 0) {
      const { sock, gate } = connected(session);
      await sock.readMessages(chat.messages.map((message) => keyOf(chat, { ...message, from_me: false })));
      await gate.released();
      const read = chat.messages.map(({ message_id }) => message_id);
      await fromDb(() => markRead(db, session, chat_id, read));
    }
    return reply.code(204).send();
  });

  server.post('/sessions/:session_id/typing', async (request, reply) => {
    const session = commands.held(request);
    const { to, state } = parseInput(typingBody, request.body);
    const recipient = await fromDb(() => findRecipient(db, session.session_id, to));
    const { sock } = connected(session);
    await sock.sendPresenceUpdate(state, jidOf(recipient));
    return reply.code(204).send();
  });

  server.post('/sessions/:session_id/contacts/check', async (request) => {
    const session = commands.held(request);
    const { phones } = parseInput(checkContactsBody, request.body);
    const charge = (count: number) => livePaceOf(session).take('numbers', count);
    return { items: await checkNumbers(db, session, phones, charge) };
  });
}
