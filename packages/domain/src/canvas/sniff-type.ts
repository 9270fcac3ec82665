import type { Readable } from 'node:stream';
import { fileTypeFromBuffer } from 'file-type';

/** Bytes from which a type can be told. */
export const HEAD_BYTES = 4_100;

/** The first bytes of a stream, which is then given up. */
export async function readHead(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= HEAD_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, HEAD_BYTES);
}

/** The type that a file's first bytes are the mark of; null when they are none that is known. */
export async function sniffType(head: Buffer): Promise<string | null> {
  const found = await fileTypeFromBuffer(head).catch(() => undefined);
  if (found) return found.mime;
  // A zip of which the first bytes are not enough to tell what is in it.
  return head.subarray(0, 4).equals(Buffer.from('PK\x03\x04')) ? 'application/zip' : null;
}
