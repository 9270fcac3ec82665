import { createHash } from 'node:crypto';
import { incompleteBody, S3Error } from './errors.ts';
import { hmac, sha256Hex, type Verified } from './signature.ts';

/** No client sends larger ones; a header that says so is nonsense. */
const MAX_CHUNK = 64 * 1024 * 1024;
const MAX_LINE = 8_192;

/**
 * The content of a body that travels as `aws-chunked`: chunks with their length, each signed or none, and trailers behind.
 * Signatures go on from that of the request. The trailers are in `trailers` once the content has ended.
 * Throws `S3Error` for a chunk or trailer that is not signed as it should be, and for a body that ends early.
 */
export async function* decodeAwsChunked(
  source: AsyncIterable<Buffer>,
  { signed, has_trailer, verified, trailers }: ChunkedOptions,
): AsyncGenerator<Buffer> {
  const reader = new LineReader(source);
  let previous = verified.signature;
  for (;;) {
    const [hex = '', ...extensions] = (await reader.line()).split(';');
    const length = /^[0-9a-f]+$/i.test(hex) ? parseInt(hex, 16) : NaN;
    if (!(length <= MAX_CHUNK)) throw incompleteBody();
    const hash = createHash('sha256');
    for await (const part of reader.bytes(length)) {
      hash.update(part);
      yield part;
    }
    if (signed) {
      const expected = chunkSignature('PAYLOAD', verified, previous, [sha256Hex(''), hash.digest('hex')]);
      if (extensions[0] !== `chunk-signature=${expected}`) throw badSignature();
      previous = expected;
    }
    if (length === 0) break;
    if ((await reader.line()) !== '') throw incompleteBody();
  }
  if (has_trailer) await readTrailers(reader, { signed, verified, trailers }, previous);
}

export interface ChunkedOptions {
  signed: boolean;
  has_trailer: boolean;
  verified: Verified;
  trailers: Map<string, string>;
}

async function readTrailers(
  reader: LineReader,
  { signed, verified, trailers }: Omit<ChunkedOptions, 'has_trailer'>,
  previous: string,
): Promise<void> {
  for (let line = await reader.line(); line !== ''; line = await reader.line()) {
    const colon = line.indexOf(':');
    if (colon < 1 || trailers.size > 16) throw incompleteBody();
    trailers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  if (!signed) return;
  const given = trailers.get('x-amz-trailer-signature');
  trailers.delete('x-amz-trailer-signature');
  const text = [...trailers].map(([name, value]) => `${name}:${value}\n`).join('');
  if (given !== chunkSignature('TRAILER', verified, previous, [sha256Hex(text)])) throw badSignature();
}

const chunkSignature = (kind: string, { key, date, scope }: Verified, previous: string, hashes: string[]): string =>
  hmac(key, [`AWS4-HMAC-SHA256-${kind}`, date, scope, previous, ...hashes].join('\n')).toString('hex');

const badSignature = (): S3Error =>
  new S3Error('SignatureDoesNotMatch', 403, 'The signature of a chunk does not match what it signs.');

/** Lines and counted bytes of a stream, whatever pieces it comes in. */
class LineReader {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async line(): Promise<string> {
    for (;;) {
      const end = this.#rest.indexOf('\r\n');
      if (end >= 0) {
        const text = this.#rest.toString('latin1', 0, end);
        this.#rest = this.#rest.subarray(end + 2);
        return text;
      }
      if (this.#rest.length > MAX_LINE) throw incompleteBody();
      this.#rest = Buffer.concat([this.#rest, await this.#more()]);
    }
  }

  async *bytes(count: number): AsyncGenerator<Buffer> {
    for (let left = count; left > 0;) {
      if (this.#rest.length === 0) this.#rest = await this.#more();
      const part = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }

  async #more(): Promise<Buffer> {
    const next = await this.#source.next();
    if (next.done) throw incompleteBody();
    return next.value;
  }
}
