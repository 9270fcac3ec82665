import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Objects } from '@potentia/domain/platform/objects';
import type { MediaSource } from './media-source.ts';
import { decryptMedia, encryptedSize, MediaTooLargeError } from './media-stream.ts';

/** Without a byte for so long, a download is given up, in ms. */
const SILENCE_MS = 30_000;

/** WhatsApp does not have the file any more; the phone that sent it may. */
export class MediaExpiredError extends Error {
  override readonly name = 'MediaExpiredError';
}

/**
 * Fetches a file and stores it under `key`, without ever holding it. Its size; nothing is stored when it throws: `MediaExpiredError`,
 * `MediaCorruptError`, `MediaTooLargeError`, AppError `objects.unavailable`, and whatever the network throws.
 */
export async function fetchMedia(
  objects: Pick<Objects, 'put'>,
  address: URL,
  { secrets }: MediaSource,
  target: { key: string; media_type: string; max_bytes: number },
  signal: AbortSignal,
): Promise<{ size: number }> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(new Error('no byte for too long')), SILENCE_MS);
  const stopped = AbortSignal.any([signal, silence.signal]);
  try {
    const response = await fetch(address, {
      headers: { origin: 'https://web.whatsapp.com' },
      // An answer that leads elsewhere is none.
      redirect: 'error',
      signal: stopped,
    });
    if (response.status === 404 || response.status === 410 || response.status === 403) {
      await response.body?.cancel();
      throw new MediaExpiredError(`answered ${response.status}`);
    }
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      throw new Error(`answered ${response.status}`);
    }
    const length = Number(response.headers.get('content-length') ?? 0);
    if (length > encryptedSize(target.max_bytes)) {
      await response.body.cancel();
      throw new MediaTooLargeError('the file is too large');
    }
    const source = Readable.fromWeb(response.body);
    source.on('data', () => timer.refresh());
    const plain = decryptMedia(secrets, target.max_bytes);
    // What fails on the way is told by whoever reads its end.
    const [stored] = await Promise.all([
      objects.put({ key: target.key, media_type: target.media_type, body: plain }),
      pipeline(source, plain, { signal: stopped }),
    ]);
    return stored;
  } finally {
    clearTimeout(timer);
  }
}
