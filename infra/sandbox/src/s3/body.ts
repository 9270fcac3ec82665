import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { decodeAwsChunked } from './aws-chunked.ts';
import { isChecksum, startChecksum } from './checksums.ts';
import { badDigest, incompleteBody, malformedXml, S3Error } from './errors.ts';
import type { Verified } from './signature.ts';

/** S3's bound for one upload. */
const MAX_UPLOAD = 5 * 1024 ** 3;
const MAX_XML = 1_048_576;

/**
 * The content of a request, held while it streams to its length, to the hash that was signed and to every checksum that
 * came with it, in front or behind. Throws `S3Error` at its end, so that nobody may keep what came before.
 */
export async function* readContent(request: IncomingMessage, verified: Verified): AsyncGenerator<Buffer> {
  const { headers } = request;
  const trailers = new Map<string, string>();
  const announced = String(headers['x-amz-trailer'] ?? '').toLowerCase();
  const checksums = new Map(
    [...Object.keys(headers), announced].filter(isChecksum).map((name) => [name, startChecksum(name)]),
  );
  const sha256 = createHash('sha256');
  const expected = Number(headers['x-amz-decoded-content-length'] ?? headers['content-length']);
  if (expected > MAX_UPLOAD) throw new S3Error('EntityTooLarge', 400, 'Your proposed upload is too large.');

  let length = 0;
  for await (const chunk of decoded(request, verified, trailers)) {
    length += chunk.length;
    if (length > MAX_UPLOAD) throw new S3Error('EntityTooLarge', 400, 'Your proposed upload is too large.');
    sha256.update(chunk);
    for (const checksum of checksums.values()) checksum.update(chunk);
    yield chunk;
  }

  if (!Number.isNaN(expected) && length !== expected) throw incompleteBody();
  const { payload_hash } = verified;
  if (/^[0-9a-f]{64}$/.test(payload_hash) && sha256.digest('hex') !== payload_hash) {
    const message = 'The provided x-amz-content-sha256 header does not match what was computed.';
    throw new S3Error('XAmzContentSHA256Mismatch', 400, message);
  }
  for (const [name, checksum] of checksums) {
    if (checksum.digest() !== (trailers.get(name) ?? headers[name])) throw badDigest();
  }
}

/** The content of a small XML body. */
export async function readXml(request: IncomingMessage, verified: Verified): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of readContent(request, verified)) {
    length += chunk.length;
    if (length > MAX_XML) throw malformedXml();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function decoded(request: IncomingMessage, verified: Verified, trailers: Map<string, string>): AsyncIterable<Buffer> {
  const source = request as AsyncIterable<Buffer>;
  const { payload_hash } = verified;
  if (!payload_hash.startsWith('STREAMING-')) return source;
  const [, kind, trailer] = /^STREAMING-(AWS4-HMAC-SHA256|UNSIGNED)-PAYLOAD(-TRAILER)?$/.exec(payload_hash) ?? [];
  if (kind === undefined) throw new S3Error('NotImplemented', 501, 'This way to sign a body is not supported.');
  const signed = kind !== 'UNSIGNED';
  return decodeAwsChunked(source, { signed, has_trailer: trailer !== undefined, verified, trailers });
}
