import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createS3Server, type S3Server } from './server.ts';

const credentials = { access_key_id: 'sandbox', secret_access_key: 'sandbox-secret', region: 'us-east-1' };
const Bucket = 'files';
let server: S3Server;
let url: string;
let s3: S3Client;
let now: () => Date;

beforeAll(async () => {
  now = () => new Date();
  server = await createS3Server({ credentials, buckets: [Bucket], clock: () => now() });
  url = await server.listen(0, '127.0.0.1');
  s3 = connect();
});
afterAll(async () => {
  s3.destroy();
  await server.close();
});

const connect = (overrides: S3ClientConfig = {}): S3Client =>
  new S3Client({
    endpoint: url,
    region: credentials.region,
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: credentials.access_key_id, secretAccessKey: credentials.secret_access_key },
    ...overrides,
  });

const newKey = (): string => `a folder/${randomBytes(8).toString('hex')} ä+(1).txt`;
const put = async (Key: string, Body: string | Buffer = 'hello'): Promise<void> => {
  await s3.send(new PutObjectCommand({ Bucket, Key, Body, ContentType: 'text/plain' }));
};
const read = async (Key: string): Promise<string> => {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
  return Body!.transformToString();
};
const refusal = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no refusal',
    (error: unknown) => [
      (error as Error).name,
      (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode,
    ],
  );

describe('the real client', () => {
  it('puts, heads, gets, copies, lists and deletes objects under any key', async () => {
    const Key = newKey();
    const stored = await s3.send(
      new PutObjectCommand({ Bucket, Key, Body: 'hello world', ContentType: 'text/plain', Metadata: { made: 'here' } }),
    );
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key }));
    expect(head).toMatchObject({
      ContentLength: 11,
      ContentType: 'text/plain',
      ETag: stored.ETag,
      Metadata: { made: 'here' },
    });
    expect(await read(Key)).toBe('hello world');
    const part = await s3.send(new GetObjectCommand({ Bucket, Key, Range: 'bytes=6-8' }));
    expect([await part.Body!.transformToString(), part.ContentRange]).toEqual(['wor', 'bytes 6-8/11']);
    const tail = await s3.send(new GetObjectCommand({ Bucket, Key, Range: 'bytes=-3' }));
    expect(await tail.Body!.transformToString()).toBe('rld');
    expect(await refusal(s3.send(new GetObjectCommand({ Bucket, Key, Range: 'bytes=50-' })))).toEqual([
      'InvalidRange',
      416,
    ]);

    await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: encodeURI(`${Bucket}/${Key}`) }));
    expect(await read('copy')).toBe('hello world');
    await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    expect(await refusal(s3.send(new GetObjectCommand({ Bucket, Key })))).toEqual(['NoSuchKey', 404]);
    expect(await refusal(s3.send(new HeadObjectCommand({ Bucket, Key })))).toEqual(['NotFound', 404]);
  });

  it('lists page by page and by folder, and deletes many at once', async () => {
    const keys = ['a/1', 'a/2', 'b/1', 'c'].map((name) => `list/${name}`);
    for (const key of keys) await put(key);
    const seen: string[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'list/', MaxKeys: 2, ContinuationToken }));
      seen.push(...page.Contents!.map((object) => object.Key!));
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken);
    expect(seen).toEqual(keys);
    const folders = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'list/', Delimiter: '/' }));
    expect(folders.CommonPrefixes!.map(({ Prefix }) => Prefix)).toEqual(['list/a/', 'list/b/']);
    expect(folders.Contents!.map(({ Key }) => Key)).toEqual(['list/c']);
    const gone = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } }));
    expect(gone.Deleted).toHaveLength(4);
    expect((await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'list/' }))).KeyCount).toBe(0);
  });

  it('uploads a stream of unknown length in parts, and leaves nothing of one that was given up', async () => {
    const Key = newKey();
    const content = randomBytes(11 * 1024 * 1024);
    const body = Readable.from([content.subarray(0, 5_000_000), content.subarray(5_000_000)]);
    await new Upload({ client: s3, params: { Bucket, Key, Body: body } }).done();
    const { Body, ETag } = await s3.send(new GetObjectCommand({ Bucket, Key }));
    expect(Buffer.compare(Buffer.from(await Body!.transformToByteArray()), content)).toBe(0);
    expect(ETag).toMatch(/-3"$/);

    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'given-up' }));
    await s3.send(new UploadPartCommand({ Bucket, Key: 'given-up', UploadId, PartNumber: 1, Body: 'x' }));
    const { Uploads } = await s3.send(new ListMultipartUploadsCommand({ Bucket }));
    expect(Uploads).toMatchObject([{ Key: 'given-up', UploadId }]);
    await s3.send(new AbortMultipartUploadCommand({ Bucket, Key: 'given-up', UploadId }));
    expect((await s3.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads).toBeUndefined();
  });

  it.each(['CRC32', 'CRC32C', 'SHA1', 'SHA256'] as const)(
    'sends a %s checksum with a body and with a stream',
    async (ChecksumAlgorithm) => {
      for (const Body of ['hello', Readable.from([Buffer.from('hel'), Buffer.from('lo')])]) {
        const Key = newKey();
        await s3.send(new PutObjectCommand({ Bucket, Key, Body, ContentLength: 5, ChecksumAlgorithm }));
        expect(await read(Key)).toBe('hello');
      }
    },
  );

  it('makes buckets, once', async () => {
    await s3.send(new CreateBucketCommand({ Bucket: 'second' }));
    await s3.send(new CreateBucketCommand({ Bucket: 'second' }));
    await s3.send(new HeadBucketCommand({ Bucket: 'second' }));
    expect((await s3.send(new ListBucketsCommand({}))).Buckets!.map(({ Name }) => Name)).toContain('second');
    expect(await refusal(s3.send(new HeadBucketCommand({ Bucket: 'third' })))).toEqual(['NotFound', 404]);
    expect(await refusal(s3.send(new PutObjectCommand({ Bucket: 'third', Key: 'x', Body: '' })))).toEqual([
      'NoSuchBucket',
      404,
    ]);
  });

  it('of two that put a new object with If-None-Match, one does', async () => {
    const Key = newKey();
    const results = await Promise.all(
      ['one', 'two'].map((Body) => refusal(s3.send(new PutObjectCommand({ Bucket, Key, Body, IfNoneMatch: '*' })))),
    );
    expect(results.toSorted()).toEqual([['PreconditionFailed', 412], 'no refusal'].toSorted());
  });
});

describe('signatures', () => {
  it('a wrong secret, an unknown key and a clock that is off are refused, and nothing is stored', async () => {
    const Key = newKey();
    const with_secret = connect({ credentials: { accessKeyId: 'sandbox', secretAccessKey: 'wrong' } });
    expect(await refusal(with_secret.send(new PutObjectCommand({ Bucket, Key, Body: 'x' })))).toEqual([
      'SignatureDoesNotMatch',
      403,
    ]);
    const unknown = connect({ credentials: { accessKeyId: 'nobody', secretAccessKey: 'sandbox-secret' } });
    expect(await refusal(unknown.send(new PutObjectCommand({ Bucket, Key, Body: 'x' })))).toEqual([
      'InvalidAccessKeyId',
      403,
    ]);
    expect(await refusal(s3.send(new HeadObjectCommand({ Bucket, Key })))).toEqual(['NotFound', 404]);
    now = () => new Date(Date.now() + 20 * 60_000);
    const late = refusal(s3.send(new HeadBucketCommand({ Bucket })));
    expect(await late).toEqual([expect.any(String), 403]);
    now = () => new Date();
    expect((await fetch(`${url}/${Bucket}/x`)).status).toBe(403);
  });

  it('a signed address to read works until it expires, and says what the object is to be called', async () => {
    const Key = newKey();
    await put(Key);
    const command = new GetObjectCommand({ Bucket, Key, ResponseContentDisposition: 'attachment; filename="ä.txt"' });
    const address = await getSignedUrl(s3, command, { expiresIn: 60 });
    const answer = await fetch(address);
    expect([answer.status, await answer.text()]).toEqual([200, 'hello']);
    expect(answer.headers.get('content-disposition')).toContain('attachment');
    expect((await fetch(address.replace('attachment', 'inline'))).status).toBe(403);
    expect((await fetch(address, { method: 'DELETE' })).status).toBe(403);
    now = () => new Date(Date.now() + 61_000);
    const late = await fetch(address);
    now = () => new Date();
    expect([late.status, await late.text()]).toEqual([403, expect.stringContaining('Request has expired')]);
  });

  it('a signed address to write takes the type and the length that were signed, and no other', async () => {
    const Key = newKey();
    const command = new PutObjectCommand({ Bucket, Key, ContentType: 'image/png', ContentLength: 5, IfNoneMatch: '*' });
    const address = await getSignedUrl(connect({ requestChecksumCalculation: 'WHEN_REQUIRED' }), command, {
      expiresIn: 60,
      signableHeaders: new Set(['content-type', 'content-length', 'if-none-match', 'host']),
      unhoistableHeaders: new Set(['if-none-match']),
    });
    expect(new URL(address).searchParams.get('X-Amz-SignedHeaders')).toBe(
      'content-length;content-type;host;if-none-match',
    );
    const send = async (body: string, headers: Record<string, string>): Promise<number> =>
      (await fetch(address, { method: 'PUT', body, headers })).status;
    const headers = { 'content-type': 'image/png', 'if-none-match': '*' };
    expect(await send('hello', { ...headers, 'content-type': 'text/html' })).toBe(403);
    expect(await send('longer', headers)).toBe(403);
    expect(await send('hello', { ...headers, 'x-amz-meta-more': 'x' })).toBe(403);
    expect(await send('hello', headers)).toBe(200);
    expect(await send('again', headers)).toBe(412);
    expect(await read(Key)).toBe('hello');
  });

  it('a body other than the one that was signed is refused', async () => {
    const Key = newKey();
    const tampering = connect();
    tampering.middlewareStack.add(
      (next) => (args) => {
        (args.request as { body: string }).body = 'jello';
        return next(args);
      },
      { step: 'deserialize', priority: 'high' },
    );
    expect(await refusal(tampering.send(new PutObjectCommand({ Bucket, Key, Body: 'hello' })))).toEqual([
      expect.stringMatching(/XAmzContentSHA256Mismatch|BadDigest/),
      400,
    ]);
    expect(await refusal(s3.send(new HeadObjectCommand({ Bucket, Key })))).toEqual(['NotFound', 404]);
  });
});

it('a browser may upload from any page', async () => {
  const answer = await fetch(`${url}/${Bucket}/x`, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://app.example.com',
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'content-type,if-none-match',
    },
  });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('access-control-allow-origin')).toBe('*');
  expect(answer.headers.get('access-control-allow-methods')).toContain('PUT');
  expect(answer.headers.get('access-control-allow-headers')).toBe('content-type,if-none-match');
});

it('an upload that breaks off stores nothing', async () => {
  const Key = newKey();
  const command = new PutObjectCommand({ Bucket, Key });
  const address = await getSignedUrl(connect({ requestChecksumCalculation: 'WHEN_REQUIRED' }), command);
  await new Promise<void>((resolve) => {
    const sent = httpRequest(address, { method: 'PUT', headers: { 'content-length': 100 } });
    sent.on('error', () => undefined);
    sent.on('close', resolve);
    sent.write('half', () => sent.destroy());
  });
  expect(await refusal(s3.send(new HeadObjectCommand({ Bucket, Key })))).toEqual(['NotFound', 404]);
});

it('objects are there again after a restart', async () => {
  const data_dir = await mkdtemp(join(tmpdir(), 's3-test-'));
  const first = await createS3Server({ credentials, data_dir, buckets: [Bucket] });
  await first.store.put(Bucket, 'kept', Readable.from([Buffer.from('kept')]), { headers: {} });
  await first.close();
  const second = await createS3Server({ credentials, data_dir, buckets: [Bucket] });
  expect(await text(second.store.read(Bucket, 'kept'))).toBe('kept');
  await second.close();
  await rm(data_dir, { recursive: true });
});
