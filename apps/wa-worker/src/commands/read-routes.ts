import { getMessage, getMessageMedia, listChats, listContacts, listMessages } from '@potentia/db/wa/message-queries';
import { decodeCursor, encodeCursor } from '@potentia/domain/platform/cursor';
import { fromDb } from '@potentia/domain/platform/db-errors';
import { AppError } from '@potentia/domain/platform/errors';
import { parseInput } from '@potentia/domain/platform/parse';
import { cursor, id, pageLimit, timestamp } from '@potentia/domain/platform/schemas';
import {
  messageId,
  outbound_statuses,
  type WhatsappChat,
  type WhatsappContact,
  type WhatsappMedia,
  type WhatsappMessage,
} from '@potentia/domain/whatsapp/schemas';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Commands } from './command-server.ts';

const ref = z.object({ session_id: z.uuid() });
const messageRef = ref.extend({ message_id: messageId });
const messagesQuery = z.strictObject({
  chat_id: id.optional(),
  direction: z.enum(['in', 'out']).optional(),
  status: z.enum(['received', ...outbound_statuses]).optional(),
  cursor,
  limit: pageLimit(100, 50),
});
const pageQuery = z.strictObject({ cursor, limit: pageLimit(200, 50) });

const messageCursor = z.strictObject({ at: timestamp, seq: z.int() });
const chatCursor = z.strictObject({ at: timestamp, id });
const contactCursor = z.strictObject({ id });

/** How long the address of a file lasts. */
const DOWNLOAD_S = 900;

/** What a session has: it is in Postgres, so that any worker answers, whoever holds the session. */
export function readRoutes(server: FastifyInstance, { context: { db, objects } }: Commands): void {
  server.get('/sessions/:session_id/messages', async (request) => {
    const { session_id } = parseInput(ref, request.params);
    const { cursor: from, ...query } = parseInput(messagesQuery, request.query);
    const before = from === undefined ? undefined : decodeCursor(messageCursor, from);
    const filter = { ...query, session_id, before };
    const found = await fromDb(() => listMessages<WhatsappMessage>(db, { ...filter, limit: query.limit + 1 }));
    return page(
      found,
      query.limit,
      ({ message }) => message,
      ({ at, seq }) => ({ at, seq }),
    );
  });

  server.get('/sessions/:session_id/messages/:message_id', async (request) => {
    const { session_id, message_id } = parseInput(messageRef, request.params);
    const message = await fromDb(() => getMessage<WhatsappMessage>(db, session_id, message_id));
    if (!message) throw new AppError('not_found', 'whatsapp.message_not_found', 'There is no such message.');
    return message;
  });

  server.get('/sessions/:session_id/messages/:message_id/media', async (request) => {
    const { session_id, message_id } = parseInput(messageRef, request.params);
    const found = await fromDb(() => getMessageMedia<WhatsappMedia>(db, session_id, message_id));
    if (!found) throw new AppError('not_found', 'whatsapp.media_not_found', 'There is no such message with a file.');
    const { media, object_key } = found;
    if (media.status !== 'stored' || object_key === null) throw notStored(media);
    const name = media.file_name ?? `${media.kind}-${media.media_id}`;
    const { url, expires_at } = await objects.presignGet({
      key: object_key,
      name,
      media_type: media.media_type,
      expires_s: DOWNLOAD_S,
    });
    return { media, url, expires_at };
  });

  server.get('/sessions/:session_id/chats', async (request) => {
    const { session_id } = parseInput(ref, request.params);
    const { cursor: from, limit } = parseInput(pageQuery, request.query);
    const before = from === undefined ? undefined : decodeCursor(chatCursor, from);
    const found = await fromDb(() => listChats<WhatsappChat, WhatsappMessage>(db, session_id, before, limit + 1));
    return page(
      found,
      limit,
      (entry) => entry,
      (entry) => ({ at: entry.last_message_at, id: entry.chat.chat_id }),
    );
  });

  server.get('/sessions/:session_id/contacts', async (request) => {
    const { session_id } = parseInput(ref, request.params);
    const { cursor: from, limit } = parseInput(pageQuery, request.query);
    const after_id = from === undefined ? undefined : decodeCursor(contactCursor, from).id;
    const found = await fromDb(() => listContacts<WhatsappContact>(db, session_id, after_id, limit + 1));
    return page(
      found,
      limit,
      (contact) => contact,
      (contact) => ({ id: contact.contact_id }),
    );
  });
}

/** Of rows of which one more was asked for than a page has. */
function page<Row, Item>(rows: Row[], limit: number, toItem: (row: Row) => Item, positionOf: (row: Row) => object) {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const next_cursor = rows.length > limit && last ? encodeCursor(positionOf(last)) : null;
  return { items: shown.map(toItem), next_cursor };
}

function notStored({ status }: WhatsappMedia): AppError {
  if (status === 'too_large')
    return new AppError('conflict', 'whatsapp.media_too_large', 'The file is larger than what is kept.');
  if (status === 'failed') return new AppError('conflict', 'whatsapp.media_failed', 'WhatsApp did not give the file.');
  return new AppError('conflict', 'whatsapp.media_pending', 'The file is not here yet.', { retry_after_ms: 1_000 });
}
