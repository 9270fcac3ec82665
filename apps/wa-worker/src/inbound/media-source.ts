import { getMediaKeys, type MediaType, proto } from '@whiskeysockets/baileys';
import type { MediaSecrets } from './media-stream.ts';
import { unwrap } from './unwrap.ts';

/** Where a file of a message is, and what opens it. */
export interface MediaSource {
  /** On its host. */
  path: string;
  /** As the message has it: whoever wrote it chose it. */
  host: string | null;
  secrets: MediaSecrets;
}

const WHATSAPP = /^(?:[a-z0-9-]+\.)+whatsapp\.net$/;
const WHATSAPP_HOST = 'mmg.whatsapp.net';

/** The file of a message. Null: it has none, or one that cannot be opened. */
export async function mediaSourceOf(bytes: Uint8Array): Promise<MediaSource | null> {
  const { message } = unwrap(proto.Message.decode(bytes));
  const [kind, part] = partOf(message);
  if (!part?.mediaKey?.length) return null;
  const { iv, cipherKey, macKey } = await getMediaKeys(part.mediaKey, kind);
  if (!macKey) return null;
  const url = URL.canParse(part.url ?? '') ? new URL(part.url ?? '') : null;
  const path = part.directPath ?? (url ? `${url.pathname}${url.search}` : null);
  if (!path?.startsWith('/')) return null;
  const sha256 = part.fileSha256?.length === 32 ? part.fileSha256 : null;
  return { path, host: url?.host ?? null, secrets: { iv, cipher_key: cipherKey, mac_key: macKey, sha256 } };
}

type Part = Pick<proto.Message.IImageMessage, 'mediaKey' | 'directPath' | 'url' | 'fileSha256'>;

function partOf(message: proto.IMessage): [MediaType, Part | null | undefined] {
  if (message.imageMessage) return ['image', message.imageMessage];
  if (message.videoMessage) return ['video', message.videoMessage];
  if (message.ptvMessage) return ['ptv', message.ptvMessage];
  if (message.audioMessage) return ['audio', message.audioMessage];
  if (message.documentMessage) return ['document', message.documentMessage];
  return ['sticker', message.stickerMessage];
}

/** Whether the host of a file is WhatsApp's by its name, so that nobody has to be asked. */
export const isKnownHost = ({ host }: MediaSource): boolean => host === null || WHATSAPP.test(host);

/**
 * The address to fetch a file from: a host of WhatsApp's, or one that WhatsApp itself named to us. A message that says another is fetched
 * from there all the same: a stranger must not choose whom this process talks to. Null: the path leads elsewhere.
 */
export function mediaAddress(source: MediaSource, named_hosts: readonly string[]): URL | null {
  const { path, host } = source;
  const is_good = host !== null && (isKnownHost(source) || named_hosts.includes(host));
  const good_host = is_good ? host : (named_hosts[0] ?? WHATSAPP_HOST);
  const address = URL.canParse(path, `https://${good_host}`) ? new URL(path, `https://${good_host}`) : null;
  return address?.host === good_host && address.protocol === 'https:' ? address : null;
}
