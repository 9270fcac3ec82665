import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream, type ReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { noSuchBucket, noSuchKey, noSuchUpload, S3Error } from './errors.ts';

export interface ObjectFacts {
  key: string;
  size: number;
  etag: string;
  last_modified: string;
  /** Headers that are given back as they came. */
  headers: Record<string, string>;
}

export interface Upload {
  id: string;
  key: string;
  initiated: string;
  headers: Record<string, string>;
  parts: Map<number, { size: number; etag: string }>;
}

interface Bucket {
  created: string;
  objects: Map<string, ObjectFacts>;
  uploads: Map<string, Upload>;
}

/**
 * Buckets in a folder: an object is a file of bytes with its facts in JSON beside it, both put there by a rename, bytes
 * first. Unfinished uploads are files too, and forgotten when the process ends.
 */
export class ObjectStore {
  readonly #root: string;
  readonly #is_temporary: boolean;
  readonly #buckets = new Map<string, Bucket>();

  private constructor(root: string, is_temporary: boolean) {
    this.#root = root;
    this.#is_temporary = is_temporary;
  }

  /** Without a folder it has a temporary one, gone when it is closed. */
  static async open(data_dir: string | undefined): Promise<ObjectStore> {
    const root = data_dir ? join(data_dir, 's3') : await mkdtemp(join(tmpdir(), 'potentia-s3-'));
    await mkdir(root, { recursive: true, mode: 0o700 });
    await rm(join(root, '.incoming'), { recursive: true, force: true });
    await mkdir(join(root, '.incoming'), { mode: 0o700 });
    const store = new ObjectStore(root, data_dir === undefined);
    await store.#load();
    return store;
  }

  async close(): Promise<void> {
    if (this.#is_temporary) await rm(this.#root, { recursive: true, force: true });
  }

  async createBucket(name: string): Promise<void> {
    if (this.#buckets.has(name)) return;
    if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name))
      throw new S3Error('InvalidBucketName', 400, 'The specified bucket is not valid.');
    await mkdir(join(this.#root, name), { recursive: true, mode: 0o700 });
    this.#buckets.set(name, { created: new Date().toISOString(), objects: new Map(), uploads: new Map() });
  }

  async deleteBucket(name: string): Promise<void> {
    if (this.bucket(name).objects.size > 0)
      throw new S3Error('BucketNotEmpty', 409, 'The bucket you tried to delete is not empty.');
    await rm(join(this.#root, name), { recursive: true, force: true });
    this.#buckets.delete(name);
  }

  buckets(): { name: string; created: string }[] {
    return [...this.#buckets].map(([name, { created }]) => ({ name, created }));
  }

  bucket(name: string): Bucket {
    const bucket = this.#buckets.get(name);
    if (!bucket) throw noSuchBucket();
    return bucket;
  }

  find(bucket: string, key: string): ObjectFacts {
    const facts = this.bucket(bucket).objects.get(key);
    if (!facts) throw noSuchKey();
    return facts;
  }

  /** `end` is the last byte, as in a Range. */
  read(bucket: string, key: string, range?: { start: number; end: number }): ReadStream {
    this.find(bucket, key);
    return createReadStream(this.#path(bucket, key), range);
  }

  /** Nothing is stored unless the whole source came. */
  async put(
    bucket: string,
    key: string,
    source: AsyncIterable<Buffer>,
    options: { headers: Record<string, string>; only_new?: boolean },
  ): Promise<ObjectFacts> {
    this.bucket(bucket);
    const received = await this.#receive(source);
    return this.#keep(bucket, key, received, options);
  }

  async delete(bucket: string, key: string): Promise<void> {
    const { objects } = this.bucket(bucket);
    objects.delete(key);
    await rm(`${this.#path(bucket, key)}.json`, { force: true });
    await rm(this.#path(bucket, key), { force: true });
  }

  /** Keys in their order (UTF-8 bytes). */
  keys(bucket: string): ObjectFacts[] {
    return [...this.bucket(bucket).objects.values()].sort((a, b) =>
      Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)),
    );
  }

  startUpload(bucket: string, key: string, headers: Record<string, string>): Upload {
    const upload = { id: randomUUID(), key, initiated: new Date().toISOString(), headers, parts: new Map() };
    this.bucket(bucket).uploads.set(upload.id, upload);
    return upload;
  }

  upload(bucket: string, key: string, id: string): Upload {
    const upload = this.bucket(bucket).uploads.get(id);
    if (upload?.key !== key) throw noSuchUpload();
    return upload;
  }

  async putPart(upload: Upload, number: number, source: AsyncIterable<Buffer>): Promise<string> {
    const { path, size, md5 } = await this.#receive(source);
    await rename(path, this.#partPath(upload, number));
    upload.parts.set(number, { size, etag: `"${md5}"` });
    return `"${md5}"`;
  }

  /** Puts the parts together in the order given, each of which must be what was uploaded. */
  async completeUpload(
    bucket: string,
    upload: Upload,
    parts: { number: number; etag: string }[],
  ): Promise<ObjectFacts> {
    const hash = createHash('md5');
    for (const [i, { number, etag }] of parts.entries()) {
      const found = upload.parts.get(number);
      if (found?.etag !== etag || (parts[i - 1]?.number ?? 0) >= number)
        throw new S3Error('InvalidPart', 400, 'One or more of the specified parts could not be found.');
      if (found.size < 5 * 1024 ** 2 && i < parts.length - 1)
        throw new S3Error('EntityTooSmall', 400, 'Your proposed upload is smaller than the minimum allowed size.');
      hash.update(Buffer.from(etag.replaceAll('"', ''), 'hex'));
    }
    const paths = parts.map(({ number }) => this.#partPath(upload, number));
    const received = await this.#receive(concatenate(paths));
    const facts = await this.#keep(
      bucket,
      upload.key,
      { ...received, md5: `${hash.digest('hex')}-${String(parts.length)}` },
      upload,
    );
    await this.abortUpload(bucket, upload);
    return facts;
  }

  async abortUpload(bucket: string, upload: Upload): Promise<void> {
    this.bucket(bucket).uploads.delete(upload.id);
    await Promise.all([...upload.parts.keys()].map((number) => rm(this.#partPath(upload, number), { force: true })));
  }

  async #receive(source: AsyncIterable<Buffer>): Promise<{ path: string; size: number; md5: string }> {
    const path = join(this.#root, '.incoming', randomUUID());
    const hash = createHash('md5');
    let size = 0;
    try {
      await pipeline(
        async function* () {
          for await (const chunk of source) {
            hash.update(chunk);
            size += chunk.length;
            yield chunk;
          }
        },
        createWriteStream(path, { mode: 0o600 }),
      );
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
    return { path, size, md5: hash.digest('hex') };
  }

  async #keep(
    bucket: string,
    key: string,
    { path, size, md5 }: { path: string; size: number; md5: string },
    { headers, only_new = false }: { headers: Record<string, string>; only_new?: boolean },
  ): Promise<ObjectFacts> {
    const { objects } = this.bucket(bucket);
    if (only_new && objects.has(key)) {
      await rm(path, { force: true });
      throw new S3Error('PreconditionFailed', 412, 'At least one of the pre-conditions you specified did not hold');
    }
    const facts = { key, size, etag: `"${md5}"`, last_modified: new Date().toISOString(), headers };
    // Taken at once: of two that come together and want to be the first, one is.
    objects.set(key, facts);
    const target = this.#path(bucket, key);
    await rename(path, target);
    await writeFile(`${path}.json`, JSON.stringify(facts), { mode: 0o600 });
    await rename(`${path}.json`, `${target}.json`);
    return facts;
  }

  async #load(): Promise<void> {
    for (const entry of await readdir(this.#root, { withFileTypes: true })) {
      if (!entry.isDirectory() || entry.name === '.incoming') continue;
      const folder = join(this.#root, entry.name);
      const objects = new Map<string, ObjectFacts>();
      for (const name of (await readdir(folder)).filter((file) => file.endsWith('.json'))) {
        const facts = JSON.parse(await readFile(join(folder, name), 'utf8')) as ObjectFacts;
        objects.set(facts.key, facts);
      }
      const { birthtime } = await stat(folder);
      this.#buckets.set(entry.name, { created: birthtime.toISOString(), objects, uploads: new Map() });
    }
  }

  // A key is any text; its hash is a file's name.
  #path(bucket: string, key: string): string {
    return join(this.#root, bucket, createHash('sha256').update(key).digest('hex'));
  }

  #partPath(upload: Upload, number: number): string {
    return join(this.#root, '.incoming', `${upload.id}.${String(number)}`);
  }
}

async function* concatenate(paths: string[]): AsyncGenerator<Buffer> {
  for (const path of paths) yield* createReadStream(path) as AsyncIterable<Buffer>;
}
