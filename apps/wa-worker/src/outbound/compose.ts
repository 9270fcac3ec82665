import type { OutboxRow } from '@potentia/db/wa/outbox-queries';
import { AppError } from '@potentia/domain/platform/errors';
import type { Objects } from '@potentia/domain/platform/objects';
import { personOf } from '@potentia/domain/whatsapp/rules/jid';
import {
  type BinaryNode,
  generateWAMessage,
  jidNormalizedUser,
  type MessageRelayOptions,
  proto,
  type WASocket,
} from '@whiskeysockets/baileys';
import { jidOf } from './addresses.ts';
import { quotedBy, toBaileys, UnsendableError, withCaption } from './content.ts';

/** Without an answer of the host to which a file is sent. */
const UPLOAD_MS = 120_000;

export interface Composed {
  message: proto.IMessage;
  /** The same in base64, to be kept; null: it is kept already. */
  proto: string | null;
}

/**
 * The message of a row, the same one for each attempt: its secrets and the keys of its file are made once. A file is streamed from
 * object storage to WhatsApp. Throws `UnsendableError` for what will never be sent.
 */
export async function compose(row: OutboxRow, sock: WASocket, objects: Objects): Promise<Composed> {
  if (row.proto !== null) return { message: proto.Message.decode(Buffer.from(row.proto, 'base64')), proto: null };
  const message = await make(row, sock, objects);
  return { message, proto: Buffer.from(proto.Message.encode(message).finish()).toString('base64') };
}

async function make(row: OutboxRow, sock: WASocket, objects: Objects): Promise<proto.IMessage> {
  const jid = jidOf(row);
  // Within a chat that goes by LIDs one is a LID oneself.
  const own_jid = (jid.endsWith('@s.whatsapp.net') ? undefined : sock.user?.lid) ?? sock.user?.id ?? '';
  const content = await toBaileys(row, () => openMedia(row, objects));
  const own = { lid: null, phone: null, ...personOf(jidNormalizedUser(own_jid)) };
  const quoted = quotedBy(row, own);
  const generated = await generateWAMessage(jid, content, {
    userJid: own_jid,
    messageId: row.message_id,
    upload: sock.waUploadToServer,
    mediaUploadTimeoutMs: UPLOAD_MS,
    ...(quoted && { quoted }),
  });
  const message = generated.message ?? {};
  const captioned = row.type === 'edit' && row.target ? withCaption(row.target, String(row.content['text'])) : null;
  if (captioned && message.protocolMessage) message.protocolMessage.editedMessage = captioned;
  return message;
}

async function openMedia({ media }: OutboxRow, objects: Objects) {
  if (!media) throw new UnsendableError('whatsapp.media_lost', 'the file of a message is gone');
  try {
    return await objects.get(media.object_key);
  } catch (error) {
    if (!(error instanceof AppError) || error.kind !== 'not_found') throw error;
    throw new UnsendableError('whatsapp.media_lost', 'the file of a message is gone', { cause: error });
  }
}

const POLL: BinaryNode = { tag: 'meta', attrs: { polltype: 'creation' } };

/** What the stanza of a message says beside it. */
export function relayOptions({ message_id, type }: Pick<OutboxRow, 'message_id' | 'type'>): MessageRelayOptions {
  const edit = type === 'edit' ? '1' : type === 'delete' ? '7' : undefined;
  return {
    messageId: message_id,
    ...(edit !== undefined && { additionalAttributes: { edit } }),
    ...(type === 'poll' && { additionalNodes: [POLL] }),
  };
}
