import type { proto } from '@whiskeysockets/baileys';
import { cleanText, cutText } from './clean.ts';
import type { ItemMedia } from './item.ts';
import type { Normalised } from './normalised.ts';

/** It goes into headers as it is. */
const MEDIA_TYPE = /^(?=.{3,127}$)[\w!#$&^.+-]+\/[\w!#$&^.+-]+(; ?[\w-]+=[\w"., -]+)*$/;

type MediaMessage = Pick<proto.Message.IDocumentMessage, 'mimetype' | 'fileLength' | 'fileSha256' | 'fileName'>;

/** Images, videos, audio, voice messages, documents, stickers. */
export function normaliseMedia(message: proto.IMessage): Normalised | undefined {
  const { imageMessage, audioMessage, documentMessage, stickerMessage } = message;
  const videoMessage = message.videoMessage ?? message.ptvMessage;
  if (imageMessage) {
    const { caption, viewOnce } = imageMessage;
    return found('image', imageMessage, 'image/jpeg', { ...captioned(caption), ...once(viewOnce) });
  }
  if (videoMessage) {
    const { caption, seconds, gifPlayback, viewOnce } = videoMessage;
    const content = {
      ...captioned(caption),
      ...lasting(seconds),
      ...(gifPlayback && { is_gif: true }),
      ...once(viewOnce),
    };
    return found('video', videoMessage, 'video/mp4', content);
  }
  if (audioMessage) {
    const { ptt, seconds, viewOnce } = audioMessage;
    return found(ptt ? 'voice' : 'audio', audioMessage, 'audio/ogg', { ...lasting(seconds), ...once(viewOnce) });
  }
  if (documentMessage) {
    const file_name = documentMessage.fileName ?? documentMessage.title;
    const content = { ...captioned(documentMessage.caption), ...(file_name && { file_name: cutText(file_name, 255) }) };
    return found('document', { ...documentMessage, fileName: file_name }, 'application/octet-stream', content);
  }
  if (stickerMessage)
    return found('sticker', stickerMessage, 'image/webp', stickerMessage.isAnimated ? { is_animated: true } : {});
  return undefined;
}

function found(
  kind: ItemMedia['kind'],
  message: MediaMessage,
  otherwise: string,
  content: Record<string, unknown>,
): Normalised {
  const size = Number(message.fileLength ?? 0);
  const media: ItemMedia = {
    kind,
    media_type: MEDIA_TYPE.test(message.mimetype ?? '') ? String(message.mimetype) : otherwise,
    ...(message.fileName && { file_name: cutText(cleanText(message.fileName), 255) }),
    ...(Number.isSafeInteger(size) && size > 0 && { size }),
    ...(message.fileSha256?.length === 32 && { sha256: Buffer.from(message.fileSha256).toString('base64') }),
  };
  return { type: kind, content, media };
}

const captioned = (caption: string | null | undefined) => (caption ? { caption } : {});
const lasting = (seconds: number | null | undefined) => (seconds ? { duration_s: seconds } : {});
const once = (is_view_once: boolean | null | undefined) => (is_view_once ? { is_view_once: true } : {});
