import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { watchSilentConnections } from './silent-connections.ts';

/** A client that sends `text` and keeps what it is answered. */
async function client(port: number, text: string): Promise<{ answer: () => string; closed: Promise<unknown> }> {
  const socket: Socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  await once(socket, 'connect');
  socket.write(text);
  return { answer: () => answer, closed };
}

test('a stopping server cuts whoever has asked nothing, and answers whoever has', async () => {
  const asked: ServerResponse[] = [];
  const server = createServer((request, response) => {
    if (request.url === '/quick') response.end('quick');
    else asked.push(response);
  });
  // What has become another protocol ends by that protocol's rules.
  server.on('upgrade', (_request, socket) => {
    setTimeout(() => socket.end('the last word'), 1_500);
  });
  const stopping = watchSilentConnections(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  const silent = await client(port, '');
  const halved = await client(port, 'GET / HTTP/1.1\r\nHost: a\r\n');
  const again = await client(port, 'GET /quick HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP');
  const waiting = await client(port, 'GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  const upgraded = await client(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n');
  await expect.poll(() => asked).toHaveLength(1);
  await expect.poll(again.answer).toContain('quick');

  const closed = once(server, 'close');
  stopping();
  server.close();
  await Promise.all([silent.closed, halved.closed, again.closed]);
  asked[0]!.end('in the end');
  await Promise.all([waiting.closed, upgraded.closed, closed]);
  expect(waiting.answer()).toMatch(/^HTTP\/1\.1 200 [^]*in the end/);
  expect(upgraded.answer()).toBe('the last word');
});
