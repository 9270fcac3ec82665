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

/** Marks in front of files whose first bytes may not be enough for more: long metadata comes before what the library seeks. */
const MARKS: [string, string][] = [
  ['89504e470d0a1a0a', 'image/png'],
  ['504b0304', 'application/zip'],
  ['25504446', 'application/pdf'],
  ['494433', 'audio/mpeg'],
  ['1f8b', 'application/gzip'],
  ['4f676753', 'application/ogg'],
  ['1a45dfa3', 'video/x-matroska'],
  ['3026b2758e66cf11', 'video/x-ms-asf'],
  ['ffd8ff', 'image/jpeg'],
  ['d0cf11e0a1b11ae1', 'application/x-cfb'],
];

/** The type that a file's first bytes are the mark of; null when they are none that is known. */
export async function sniffType(head: Buffer): Promise<string | null> {
  const found = await fileTypeFromBuffer(head).catch(() => undefined);
  if (found) return found.mime;
  const hex = head.subarray(0, 8).toString('hex');
  return MARKS.find(([mark]) => hex.startsWith(mark))?.[1] ?? null;
}
