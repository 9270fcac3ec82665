import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { generate } from 'selfsigned';
import type { MediaStore } from './media.ts';

export interface MediaServerOptions {
  /** 0: any free one. */
  port?: number;
  host?: string;
  /** All that is kept, in bytes; the oldest goes first. */
  max_total_bytes?: number;
}

export interface MediaServer extends MediaStore, AsyncDisposable {
  /** The certificate that clients must trust, PEM. */
  ca: string;
  /** What is asked for answers so from here on, an upload or a download; null: as it should. */
  failWith(status: number | null): void;
  close(): Promise<void>;
}

/** As large as WhatsApp takes documents. */
const MAX_BYTES = 2_147_483_648;
const TOTAL_BYTES = 1_073_741_824;
const PATH = /^\/mms\/[a-z-]+\/[\w%-]+$/;

/**
 * Where clients upload and download encrypted media. They speak HTTPS to it and nothing else, so it has a certificate of its own,
 * for its address alone, made anew each time.
 */
export async function startMediaServer(options: MediaServerOptions = {}): Promise<MediaServer> {
  const { port = 0, host = '127.0.0.1', max_total_bytes = TOTAL_BYTES } = options;
  const { cert, private: key } = await createCertificate();
  const files = new Map<string, Buffer>();
  let total = 0;
  let failure: number | null = null;

  const put = (path: string, bytes: Buffer): void => {
    total += bytes.length - (files.get(path)?.length ?? 0);
    files.delete(path);
    files.set(path, bytes);
    for (const [oldest, { length }] of files) {
      if (total <= max_total_bytes) break;
      files.delete(oldest);
      total -= length;
    }
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '/', url());
    if (failure !== null) return void response.writeHead(failure).end();
    if (!PATH.test(pathname)) return void response.writeHead(404).end();
    const path = decodeURIComponent(pathname);
    if (request.method === 'POST') {
      const bytes = await readBody(request);
      if (!bytes) return void response.writeHead(413).end();
      put(path, bytes);
      response.writeHead(200, { 'content-type': 'application/json' });
      return void response.end(JSON.stringify({ url: `${url()}${path}`, direct_path: path }));
    }
    const bytes = files.get(path);
    if (!bytes) return void response.writeHead(404).end();
    sendBytes(request, response, bytes);
  };
  const server = createServer({ cert, key }, (request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  const url = (): string => `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  server.listen(port, host);
  await once(server, 'listening');

  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    url: url(),
    ca: cert,
    put,
    get: (path) => files.get(path),
    failWith: (status) => {
      failure = status;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Each has a name of its own: of two with one name only the first would be looked at. */
const createCertificate = () =>
  generate([{ name: 'commonName', value: `Sandbox media ${randomUUID()}` }], {
    keyType: 'ec',
    notAfterDate: new Date(Date.now() + 365 * 86_400_000),
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
    ],
  });

/** Undefined: it is too large. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The whole, or the part that `Range` names, as clients that read in pieces ask. */
function sendBytes(request: IncomingMessage, response: ServerResponse, bytes: Buffer): void {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  if (from === undefined) {
    response.writeHead(200, { 'content-length': bytes.length, 'content-type': 'application/octet-stream' });
    response.end(bytes);
    return;
  }
  const end = Math.min(to ? Number(to) + 1 : bytes.length, bytes.length);
  const part = bytes.subarray(Number(from), end);
  response.writeHead(206, {
    'content-length': part.length,
    'content-range': `bytes ${from}-${end - 1}/${bytes.length}`,
    'content-type': 'application/octet-stream',
  });
  response.end(part);
}
