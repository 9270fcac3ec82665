import { createS3Server, type S3Server } from '../s3/server.ts';

export interface TestObjects extends AsyncDisposable {
  store: S3Server['store'];
  bucket: string;
  /** What a service needs to know of it. */
  env: Record<string, string>;
  /** From here on it takes every signature for that much older. */
  advance(ms: number): void;
}

/** The sandbox's S3 endpoint, of a test file's own. */
export async function startObjects(): Promise<TestObjects> {
  const bucket = 'test-files';
  let offset_ms = 0;
  const server = await createS3Server({
    credentials: { access_key_id: 'test', secret_access_key: 'test-secret', region: 'us-east-1' },
    buckets: [bucket],
    clock: () => new Date(Date.now() + offset_ms),
  });
  const url = await server.listen(0, '127.0.0.1');
  return {
    store: server.store,
    bucket,
    env: { S3_ENDPOINT: url, S3_BUCKET: bucket, S3_ACCESS_KEY_ID: 'test', S3_SECRET_ACCESS_KEY: 'test-secret' },
    advance(ms) {
      offset_ms += ms;
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}
