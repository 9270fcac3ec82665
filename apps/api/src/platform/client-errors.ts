import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { AppError } from '@potentia/domain/platform/errors';
import { toProblem } from '@potentia/domain/platform/problem';

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
  const refused = new AppError('invalid', code, detail);
  const { headers, body } = toProblem(refused, { id: randomUUID(), path: '/' }, status);
  const text = JSON.stringify(body);
  const all = { ...headers, 'content-length': Buffer.byteLength(text), connection: 'close' };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${body.title}\r\n${lines.join('')}\r\n${text}`);
}
