import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bucketOperation } from './bucket-operations.ts';
import type { S3Answer, S3Request } from './call.ts';
import { errorXml, incompleteBody, S3Error } from './errors.ts';
import { objectOperation } from './object-operations.ts';
import { type Credentials, decode, verifySignature } from './signature.ts';
import { ObjectStore } from './store.ts';
import { document } from './xml.ts';

export interface S3Options {
  credentials: Credentials;
  /** Where the objects are kept; in memory's place a temporary folder. */
  data_dir?: string;
  /** Made at the start. */
  buckets?: string[];
  clock?: () => Date;
}

export interface S3Server {
  store: ObjectStore;
  listen(port: number, host: string): Promise<string>;
  close(): Promise<void>;
}

/** An S3 endpoint with path-style addresses, enough of it for what a service does with objects. Not listening yet. */
export async function createS3Server(options: S3Options): Promise<S3Server> {
  const store = await ObjectStore.open(options.data_dir);
  for (const bucket of options.buckets ?? []) await store.createBucket(bucket);
  const server = createServer({ requestTimeout: 0 }, (request, response) => {
    void answer(store, options, request, response);
  });
  return {
    store,
    async listen(port, host) {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, resolve);
      });
      return urlOf(server, host);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await store.close();
    },
  };
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  return `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${String(port)}`;
}

async function answer(
  store: ObjectStore,
  options: S3Options,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const request_id = randomUUID();
  const url = request.url ?? '/';
  response.setHeader('x-amz-request-id', request_id);
  allowPages(request, response);
  // A client that sees the refusal before it has sent everything stops sending; what came is thrown away.
  request.on('error', () => undefined);
  try {
    if (request.method === 'OPTIONS') {
      response.writeHead(200).end();
      return;
    }
    const now = options.clock?.() ?? new Date();
    const signed = { method: request.method ?? 'GET', url, headers: request.headers };
    const verified = verifySignature(signed, options.credentials, now);
    send(response, await operate({ ...splitUrl(url), store, request, verified, method: signed.method }));
  } catch (error) {
    const refusal = error instanceof S3Error ? error : request.destroyed ? incompleteBody() : internal(error);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const body = request.method === 'HEAD' ? '' : errorXml(refusal, url.split('?')[0] ?? '', request_id);
    response.writeHead(refusal.status, { 'content-type': 'application/xml', connection: 'close' }).end(body);
    request.resume();
  }
}

function internal(error: unknown): S3Error {
  console.error(error);
  return new S3Error('InternalError', 500, 'We encountered an internal error. Please try again.');
}

type Addressed = S3Request & { bucket: string; key: string };

function splitUrl(url: string): Pick<Addressed, 'bucket' | 'key' | 'query'> {
  const [path = '', query = ''] = url.split('?', 2);
  const [, bucket = '', ...key] = path.split('/').map(decode);
  return { bucket, key: key.join('/'), query: new URLSearchParams(query) };
}

function operate(request: Addressed): Promise<S3Answer> | S3Answer {
  const { bucket, key, method, store } = request;
  if (bucket === '') {
    if (method !== 'GET') throw notAllowed();
    const buckets = store.buckets().map(({ name, created }) => ({ Name: name, CreationDate: created }));
    return { status: 200, xml: document('ListAllMyBucketsResult', { Buckets: { Bucket: buckets } }) };
  }
  return (key === '' ? bucketOperation(request, bucket) : objectOperation(request, bucket, key)) ?? refuse();
}

const notAllowed = (): S3Error =>
  new S3Error('MethodNotAllowed', 405, 'The specified method is not allowed against this resource.');
const refuse = (): never => {
  throw notAllowed();
};

function send(response: ServerResponse, { status, headers = {}, xml, stream }: S3Answer): void {
  if (xml !== undefined) {
    response.writeHead(status, { 'content-type': 'application/xml', ...headers }).end(xml);
    return;
  }
  response.writeHead(status, headers);
  if (!stream) {
    response.end();
    return;
  }
  stream.on('error', () => response.destroy());
  response.on('close', () => (stream as unknown as { destroy(): void }).destroy());
  stream.pipe(response);
}

/** Browsers upload and download straight from here, so any page may: the signature is what counts. */
function allowPages(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('access-control-allow-origin', '*');
  response.setHeader('access-control-expose-headers', 'etag, content-length, content-range, x-amz-request-id');
  response.setHeader('x-content-type-options', 'nosniff');
  if (request.method !== 'OPTIONS') return;
  response.setHeader('access-control-allow-methods', 'GET, HEAD, PUT, POST, DELETE');
  response.setHeader('access-control-allow-headers', request.headers['access-control-request-headers'] ?? '*');
  response.setHeader('access-control-max-age', '600');
}
