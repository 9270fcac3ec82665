import type { IncomingMessage } from 'node:http';
import type { Verified } from './signature.ts';
import type { ObjectStore } from './store.ts';

/** One request, whose signature has been checked. */
export interface S3Request {
  request: IncomingMessage;
  verified: Verified;
  method: string;
  query: URLSearchParams;
  store: ObjectStore;
}

/** An answer; `xml` is its whole body, `stream` is sent as it comes. */
export interface S3Answer {
  status: number;
  headers?: Record<string, string>;
  xml?: string;
  stream?: NodeJS.ReadableStream;
}
