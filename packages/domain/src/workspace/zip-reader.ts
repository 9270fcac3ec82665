import { PassThrough, type Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import { AppError } from '../platform/errors.ts';
import type { Objects } from '../platform/objects.ts';

/** What a zip may hold. */
export interface ZipLimits {
  entries: number;
  /** Bytes of all files, unpacked. */
  total_bytes: number;
  /** Bytes of one file, unpacked. */
  file_bytes: number;
}

/** How much larger a file may be than it is packed; below a mebibyte it does not matter. */
const MAX_RATIO = 200;
const HARMLESS_BYTES = 1_048_576;
/** Bytes of a file's own header in front of its content, at least. */
const HEADER_BYTES = 30;

/** The zip is refused as a whole; the message may be shown. */
export class ZipRefused extends Error {}

export interface ZipReader {
  /** Bytes of a file, unpacked, by its path. */
  readonly files: ReadonlyMap<string, number>;
  open(path: string): Promise<Readable>;
  /** Throws ZipRefused for what is larger than `max` bytes. */
  text(path: string, max: number): Promise<string>;
}

/**
 * Opens a zip in object storage: its directory is read, and of its content only what is asked for. Everything that it
 * declares is checked before anything is unpacked, and what is unpacked is held to it. Throws ZipRefused for what is no
 * zip, would unpack to too much, or names files outside of itself; and `objects.unavailable`.
 */
export async function openZip(objects: Objects, key: string, size: number, limits: ZipLimits): Promise<ZipReader> {
  const source = new ObjectReader(objects, key, size);
  const zip = await refusing(source, () =>
    fromRandomAccessReaderPromise(source, size, { lazyEntries: true, autoClose: false, strictFileNames: true }),
  );
  const entries = await refusing(source, () => readEntries(zip, limits));
  const find = (path: string): Entry => {
    const entry = entries.get(path);
    if (!entry) throw new ZipRefused(`${path} is not in the zip`);
    return entry;
  };
  const open = async (path: string): Promise<Readable> => {
    const stream = await refusing(source, () => zip.openReadStreamPromise(find(path)));
    // Whoever reads it hears of errors; when nobody does any more, they must not end the process.
    stream.on('error', () => undefined);
    return stream;
  };
  return {
    files: new Map([...entries].map(([path, { uncompressedSize }]) => [path, uncompressedSize])),
    open,
    async text(path, max) {
      if (find(path).uncompressedSize > max) throw new ZipRefused(`${path} is too large`);
      const stream = await open(path);
      const bytes = await refusing(source, () => buffer(stream));
      return bytes.toString('utf8').replace(/^\uFEFF/, '');
    },
  };
}

/** What the store did not do is its error; all else that reading meets is the zip's. */
async function refusing<T>(source: ObjectReader, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (source.error) throw source.error;
    if (error instanceof ZipRefused || error instanceof AppError) throw error;
    throw new ZipRefused(`It is no zip that can be read: ${(error as Error).message}`, { cause: error });
  }
}

async function readEntries(zip: ZipFile, limits: ZipLimits): Promise<Map<string, Entry>> {
  if (zip.entryCount > limits.entries) throw new ZipRefused(`It holds more than ${limits.entries} files`);
  const entries = new Map<string, Entry>();
  let total = 0;
  for await (const entry of zip.eachEntry()) {
    const { fileName: path, uncompressedSize, compressedSize } = entry;
    if (path.endsWith('/')) continue;
    checkEntry(entry);
    total += uncompressedSize;
    if (uncompressedSize > limits.file_bytes) throw new ZipRefused(`${path} is larger than a file may be`);
    if (total > limits.total_bytes) throw new ZipRefused('Unpacked it is larger than an import may be');
    if (uncompressedSize > HARMLESS_BYTES && uncompressedSize > compressedSize * MAX_RATIO)
      throw new ZipRefused(`${path} is packed like a bomb`);
    if (entries.has(path)) throw new ZipRefused(`It holds ${path} twice`);
    entries.set(path, entry);
  }
  checkOverlap([...entries.values()]);
  return entries;
}

/** Names with `..`, from the root or with backslashes are refused by the library. */
function checkEntry(entry: Entry): void {
  const { fileName: path, externalFileAttributes, compressionMethod } = entry;
  if (entry.isEncrypted()) throw new ZipRefused(`${path} is encrypted`);
  if (compressionMethod !== 0 && compressionMethod !== 8) throw new ZipRefused(`${path} is packed in an unknown way`);
  const file_type = (externalFileAttributes >>> 16) & 0o170000;
  if (file_type !== 0 && file_type !== 0o100000) throw new ZipRefused(`${path} is no file`);
}

/** Files that share bytes make a small zip hold more than it could. */
function checkOverlap(entries: Entry[]): void {
  let end = 0;
  for (const entry of entries.toSorted((a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader)) {
    if (entry.relativeOffsetOfLocalHeader < end) throw new ZipRefused('Files in it overlap');
    end = entry.relativeOffsetOfLocalHeader + HEADER_BYTES + entry.compressedSize;
  }
}

const BLOCK_BYTES = 262_144;
const MAX_BLOCKS = 16;
const RETRY_AFTER_MS = 2_000;

/**
 * An object as a file that is read here and there. The directory comes in small pieces one after the other, so those are
 * cut from blocks that are kept for a while; content is read as it streams.
 */
class ObjectReader extends RandomAccessReader {
  error: Error | undefined;
  readonly #objects: Objects;
  readonly #key: string;
  readonly #size: number;
  readonly #blocks = new Map<number, Promise<Buffer>>();

  constructor(objects: Objects, key: string, size: number) {
    super();
    this.#objects = objects;
    this.#key = key;
    this.#size = size;
  }

  override _readStreamForRange(start: number, end: number): Readable {
    const stream = new PassThrough();
    this.#get(start, end).then(
      (found) => {
        found.on('error', (error) => {
          const meta = { retry_after_ms: RETRY_AFTER_MS };
          const message = 'Object storage broke off';
          this.error = new AppError('unavailable', 'objects.unavailable', message, meta, { cause: error });
          stream.destroy(this.error);
        });
        stream.on('close', () => found.destroy());
        found.pipe(stream);
      },
      (error: unknown) => stream.destroy(error as Error),
    );
    return stream;
  }

  override read(
    target: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    this.#copy(target, offset, length, position).then(
      () => callback(null),
      (error: unknown) => callback(error as Error),
    );
  }

  async #copy(target: Buffer, offset: number, length: number, position: number): Promise<void> {
    for (let done = 0; done < length;) {
      const at = position + done;
      const block = await this.#block(Math.floor(at / BLOCK_BYTES));
      const copied = block.copy(target, offset + done, at % BLOCK_BYTES, (at % BLOCK_BYTES) + length - done);
      if (copied === 0) throw new Error('it ends too early');
      done += copied;
    }
  }

  #block(number: number): Promise<Buffer> {
    const known = this.#blocks.get(number);
    if (known) return known;
    const start = number * BLOCK_BYTES;
    const block = this.#get(start, Math.min(start + BLOCK_BYTES, this.#size)).then((stream) => buffer(stream));
    const [oldest] = this.#blocks.keys();
    if (this.#blocks.size >= MAX_BLOCKS && oldest !== undefined) this.#blocks.delete(oldest);
    this.#blocks.set(number, block);
    return block;
  }

  /** `end` is the byte after the last. */
  async #get(start: number, end: number): Promise<Readable> {
    try {
      return await this.#objects.get(this.#key, { start, end: end - 1 });
    } catch (error) {
      this.error = error as Error;
      throw error;
    }
  }
}
