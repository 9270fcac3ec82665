import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { normalizeMessageContent, type proto } from '@whiskeysockets/baileys';
import type { MediaStore } from './media.ts';

export type MediaKind = 'image' | 'video' | 'audio' | 'voice' | 'document' | 'sticker';

/** What clients need to download media and read them. */
export interface MediaReference {
  url: string;
  direct_path: string;
  media_key: Uint8Array;
  file_sha256: Uint8Array;
  file_enc_sha256: Uint8Array;
  file_length: number;
}

export interface MediaContent {
  kind: MediaKind;
  /** The file itself, or one that is in the store already. */
  bytes?: Uint8Array;
  reference?: MediaReference;
  mime_type?: string;
  caption?: string;
  file_name?: string;
  seconds?: number;
  /** To be looked at once. */
  is_view_once?: boolean;
}

const KEY_NAMES: Record<MediaKind, string> = {
  image: 'WhatsApp Image Keys',
  sticker: 'WhatsApp Image Keys',
  video: 'WhatsApp Video Keys',
  audio: 'WhatsApp Audio Keys',
  voice: 'WhatsApp Audio Keys',
  document: 'WhatsApp Document Keys',
};
const PATHS: Record<MediaKind, string> = {
  image: '/mms/image',
  sticker: '/mms/image',
  video: '/mms/video',
  audio: '/mms/audio',
  voice: '/mms/audio',
  document: '/mms/document',
};
const MIME_TYPES: Record<MediaKind, string> = {
  image: 'image/jpeg',
  sticker: 'image/webp',
  video: 'video/mp4',
  audio: 'audio/mpeg',
  voice: 'audio/ogg; codecs=opus',
  document: 'application/octet-stream',
};
/** Voice messages are audio, to the protocol. */
const MEDIA_KINDS = ['image', 'video', 'audio', 'document', 'sticker'] as const;
const MAC_BYTES = 10;

function keysOf(kind: MediaKind, media_key: Uint8Array): { iv: Buffer; key: Buffer; mac_key: Buffer } {
  const bytes = Buffer.from(hkdfSync('sha256', media_key, Buffer.alloc(0), KEY_NAMES[kind], 112));
  return { iv: bytes.subarray(0, 16), key: bytes.subarray(16, 48), mac_key: bytes.subarray(48, 80) };
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** Encrypts a file and puts it where clients find it. */
export function storeMedia(store: MediaStore, kind: MediaKind, bytes: Uint8Array): MediaReference {
  const media_key = randomBytes(32);
  const { iv, key, mac_key } = keysOf(kind, media_key);
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  const encrypted = Buffer.concat([cipher.update(bytes), cipher.final()]);
  const mac = createHmac('sha256', mac_key).update(iv).update(encrypted).digest().subarray(0, MAC_BYTES);
  const stored = Buffer.concat([encrypted, mac]);
  const file_enc_sha256 = sha256(stored);
  const direct_path = `${PATHS[kind]}/${file_enc_sha256.toString('base64url')}`;
  store.put(direct_path, stored);
  return {
    url: `${store.url}${direct_path}`,
    direct_path,
    media_key,
    file_sha256: sha256(bytes),
    file_enc_sha256,
    file_length: bytes.length,
  };
}

/** The file that a message brought. Throws when it is not there, or not what the message says. */
export function loadMedia(store: MediaStore, kind: MediaKind, direct_path: string, media_key: Uint8Array): Buffer {
  const stored = store.get(direct_path);
  if (!stored) throw new Error('There are no media under that path');
  const { iv, key, mac_key } = keysOf(kind, media_key);
  const encrypted = stored.subarray(0, -MAC_BYTES);
  const mac = createHmac('sha256', mac_key).update(iv).update(encrypted).digest().subarray(0, MAC_BYTES);
  if (!mac.equals(stored.subarray(-MAC_BYTES))) throw new Error('The media were changed');
  const decipher = createDecipheriv('aes-256-cbc', key, iv);
  return Buffer.concat([decipher.update(encrypted), decipher.final()]);
}

/** The message that brings media. Throws when there is a file to store and nowhere to put it. */
export function mediaMessage(content: MediaContent, store: MediaStore | null): proto.IMessage {
  const { kind, caption, bytes } = content;
  if (!content.reference && !(bytes && store)) throw new Error('There is no media store, or nothing to store');
  const reference = content.reference ?? storeMedia(store as MediaStore, kind, bytes as Uint8Array);
  const common = {
    url: reference.url,
    directPath: reference.direct_path,
    mediaKey: reference.media_key,
    fileSha256: reference.file_sha256,
    fileEncSha256: reference.file_enc_sha256,
    fileLength: reference.file_length,
    mediaKeyTimestamp: Math.floor(Date.now() / 1000),
    mimetype: content.mime_type ?? MIME_TYPES[kind],
  };
  const message = withMedia(content, common, caption);
  return content.is_view_once ? { viewOnceMessageV2: { message } } : message;
}

function withMedia(content: MediaContent, common: proto.Message.IImageMessage, caption?: string): proto.IMessage {
  const { kind, seconds, file_name: fileName } = content;
  const viewOnce = content.is_view_once;
  switch (kind) {
    case 'image':
      return { imageMessage: { ...common, caption, viewOnce } };
    case 'video':
      return { videoMessage: { ...common, caption, seconds, viewOnce } };
    case 'audio':
    case 'voice':
      return { audioMessage: { ...common, seconds, ptt: kind === 'voice', viewOnce } };
    case 'document':
      return { documentMessage: { ...common, caption, fileName, title: fileName } };
    case 'sticker':
      return { stickerMessage: common };
  }
}

/** The file that a message brought. Throws when it brought none, or that is not there. */
export function mediaOf(store: MediaStore, wrapped: proto.IMessage): Buffer {
  const message = normalizeMessageContent(wrapped) ?? wrapped;
  for (const kind of MEDIA_KINDS) {
    const part = message[`${kind}Message`];
    if (part?.directPath && part.mediaKey) return loadMedia(store, kind, part.directPath, part.mediaKey);
  }
  throw new Error('The message brought no media');
}
