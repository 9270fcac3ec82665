import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { PROBLEM_TYPE, type Problem } from './problem.ts';
import { REQUEST_ID_HEADER } from './request-id.ts';

const KNOWN: Record<string, { status: number; code: string; detail: string }> = {
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    code: 'http.request_timeout',
    detail: 'The request took too long to arrive.',
  },
  HPE_HEADER_OVERFLOW: { status: 431, code: 'http.headers_too_large', detail: 'The headers are too large.' },
};
const MALFORMED = { status: 400, code: 'http.malformed', detail: 'This is not a valid HTTP request.' };

/** Answers what never became a request (bad framing, huge headers, a client that dawdles) and closes the connection. */
export function clientErrorHandler(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, code, detail } = KNOWN[error.code ?? ''] ?? MALFORMED;
  const title = STATUS_CODES[status] ?? 'Error';
  const request_id = randomUUID();
  const problem: Problem = {
    type: `urn:potentia:problem:${code}`,
    title,
    status,
    detail,
    instance: '/',
    code,
    request_id,
  };
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\ncontent-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
      `${REQUEST_ID_HEADER}: ${request_id}\r\nconnection: close\r\n\r\n${body}`,
  );
}
