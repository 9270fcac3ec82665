import { pipeline, Transform, type Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { Counter, Histogram, type Registry } from 'prom-client';
import { AppError } from '../errors.ts';
import type { ObjectFacts, Objects } from '../objects.ts';

export interface S3Settings {
  endpoint: string;
  /** Where clients reach it. */
  public_endpoint: string;
  region: string;
  bucket: string;
  access_key_id: string;
  secret_access_key: string;
  force_path_style: boolean;
}

/** Milliseconds of a call that carries no content, all its attempts together: below the deadline of a request. */
const CALL_MS = 3_000;
/** Milliseconds without a byte. */
const SILENCE_MS = 30_000;
const ATTEMPTS = 3;
const RETRY_AFTER_MS = 2_000;
/** A part is held in memory until it is stored: two of them of an upload at a time. */
const PART_BYTES = 8 * 1024 * 1024;
const PARTS_AT_ONCE = 2;

/**
 * Object storage behind any S3 API. What content is sent or read has no deadline as a whole, but one of silence; all else
 * has one, and is tried again within it.
 */
export function createS3Objects(settings: S3Settings & { registry: Registry }): Objects & { close(): void } {
  const { bucket: Bucket, registry } = settings;
  const client = openClient(settings, settings.endpoint);
  const public_client = openClient(settings, settings.public_endpoint);
  const measure = createMeasure(registry);
  const bounded = () => ({ abortSignal: AbortSignal.timeout(CALL_MS) });

  return {
    async presignPut({ key: Key, media_type, size, expires_s }) {
      const command = new PutObjectCommand({
        Bucket,
        Key,
        ContentType: media_type,
        ContentLength: size,
        // Whoever holds the address uploads once: what was checked afterwards stays what it was.
        IfNoneMatch: '*',
      });
      const expires_at = expiry(expires_s);
      const url = await getSignedUrl(public_client, command, {
        expiresIn: expires_s,
        signableHeaders: new Set(['host', 'content-type', 'content-length', 'if-none-match']),
        unhoistableHeaders: new Set(['if-none-match']),
      });
      // The length of a body is a header that every client sends by itself, and no page may.
      return { method: 'PUT', url, headers: { 'content-type': media_type, 'if-none-match': '*' }, expires_at };
    },
    async presignGet({ key: Key, name, media_type, expires_s }) {
      const command = new GetObjectCommand({
        Bucket,
        Key,
        ResponseContentType: media_type,
        ResponseContentDisposition: attachmentHeader(name),
        ResponseCacheControl: 'private, max-age=300',
      });
      const expires_at = expiry(expires_s);
      return { url: await getSignedUrl(public_client, command, { expiresIn: expires_s }), expires_at };
    },
    head: (key) =>
      measure('head', async () => {
        try {
          const found = await client.send(new HeadObjectCommand({ Bucket, Key: key }), bounded());
          return { key, size: found.ContentLength ?? 0, media_type: found.ContentType ?? '' };
        } catch (error) {
          if (isMissing(error)) return null;
          throw error;
        }
      }),
    get: (key, range) =>
      measure('get', async () => {
        const Range = range && `bytes=${range.start}-${range.end}`;
        // The deadline is for the beginning: content takes as long as whoever reads it.
        const began = new AbortController();
        const timer = setTimeout(() => began.abort(), CALL_MS);
        try {
          const command = new GetObjectCommand({ Bucket, Key: key, Range });
          const { Body } = await client.send(command, { abortSignal: began.signal });
          const stream = Body as Readable;
          // Whoever reads it hears of errors; when nobody does any more, they must not end the process.
          stream.on('error', () => undefined);
          return stream;
        } catch (error) {
          if (isMissing(error)) throw new AppError('not_found', 'objects.not_found', 'The file is not there');
          throw error;
        } finally {
          clearTimeout(timer);
        }
      }),
    put: ({ key, media_type, body }) => measure('put', () => upload(client, { Bucket, key, media_type, body })),
    delete: (keys) =>
      measure('delete', async () => {
        if (keys.length === 0) return;
        const Delete = { Objects: keys.map((Key) => ({ Key })), Quiet: true };
        const { Errors = [] } = await client.send(new DeleteObjectsCommand({ Bucket, Delete }), bounded());
        if (Errors.length > 0) throw new Error(`not deleted: ${Errors[0]?.Code} ${Errors[0]?.Message}`);
      }),
    list: ({ prefix, after, limit }) =>
      measure('list', async () => {
        const command = new ListObjectsV2Command({ Bucket, Prefix: prefix, StartAfter: after, MaxKeys: limit });
        const { Contents = [] } = await client.send(command, bounded());
        return Contents.map(({ Key = '', Size = 0 }): ObjectFacts => ({ key: Key, size: Size, media_type: '' }));
      }),
    abortStaleUploads: ({ before, limit }) => measure('abort', () => abortStale(client, Bucket, before, limit)),
    close() {
      client.destroy();
      public_client.destroy();
    },
  };
}

function openClient(settings: S3Settings, endpoint: string): S3Client {
  return new S3Client({
    endpoint,
    region: settings.region,
    forcePathStyle: settings.force_path_style,
    credentials: { accessKeyId: settings.access_key_id, secretAccessKey: settings.secret_access_key },
    maxAttempts: ATTEMPTS,
    // Other stores than Amazon's do not all know its newer checksums, and a signed address would carry that of no content.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: 1_000,
      requestTimeout: SILENCE_MS,
      socketTimeout: SILENCE_MS,
      throwOnRequestTimeout: true,
    },
  });
}

async function upload(
  client: S3Client,
  { Bucket, key, media_type, body }: { Bucket: string; key: string; media_type: string; body: Readable },
): Promise<{ size: number }> {
  let size = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      done(null, chunk);
    },
  });
  let source_error: Error | undefined;
  body.once('error', (error) => {
    source_error = error;
  });
  pipeline(body, counted, () => undefined);
  const sending = new Upload({
    client,
    params: { Bucket, Key: key, ContentType: media_type, Body: counted },
    partSize: PART_BYTES,
    queueSize: PARTS_AT_ONCE,
    leavePartsOnError: false,
  });
  try {
    await sending.done();
  } catch (error) {
    counted.destroy();
    if (source_error) throw new SourceFailed('the source of an upload failed', { cause: source_error });
    throw error;
  }
  return { size };
}

/** Not the store's fault: whoever gave the stream gets its error back. */
class SourceFailed extends Error {}

async function abortStale(client: S3Client, Bucket: string, before: Date, limit: number): Promise<number> {
  const bounded = () => ({ abortSignal: AbortSignal.timeout(CALL_MS) });
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket, MaxUploads: 1_000 }), bounded());
  const stale = Uploads.filter(({ Initiated }) => Initiated && Initiated < before).slice(0, limit);
  for (const { Key, UploadId } of stale) {
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }), bounded());
  }
  return stale.length;
}

const expiry = (expires_s: number): string => new Date(Date.now() + expires_s * 1_000).toISOString();

/** Never shown in place: whatever it is, a browser saves it. */
function attachmentHeader(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(name).replace(/['()*]/g, (found) => `%${found.charCodeAt(0).toString(16)}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}

const isMissing = (error: unknown): boolean =>
  error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404 && error.name !== 'NoSuchBucket';

/** Counts and times calls, and makes of whatever the store did not do an AppError that a retry may mend. */
function createMeasure(registry: Registry): <T>(operation: string, call: () => Promise<T>) => Promise<T> {
  const seconds = new Histogram({
    name: 'potentia_object_call_seconds',
    help: 'Calls to object storage; of a download until its content begins',
    labelNames: ['operation'],
    buckets: [0.005, 0.025, 0.1, 0.5, 2, 10, 60],
    registers: [registry],
  });
  const errors = new Counter({
    name: 'potentia_object_errors_total',
    help: 'Calls to object storage that failed',
    labelNames: ['operation'],
    registers: [registry],
  });
  return async (operation, call) => {
    const stop = seconds.startTimer({ operation });
    try {
      return await call();
    } catch (error) {
      if (error instanceof AppError) throw error;
      if (error instanceof SourceFailed) throw error.cause;
      errors.inc({ operation });
      const meta = { retry_after_ms: RETRY_AFTER_MS };
      throw new AppError('unavailable', 'objects.unavailable', 'Object storage does not answer', meta, {
        cause: error,
      });
    } finally {
      stop();
    }
  };
}
