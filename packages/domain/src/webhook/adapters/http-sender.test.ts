import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createTargetGuard, type Resolve } from '../target.ts';
import { createHttpSender } from './http-sender.ts';

const LOOPBACK = ['127.0.0.0/8'];

/** A server on this machine that counts what reaches it, connections and requests. */
async function receiver(listener: RequestListener) {
  const seen = { connections: 0, requests: [] as { headers: IncomingMessage['headers']; body: string }[] };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      seen.requests.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      listener(request, response);
    });
  });
  server.on('connection', () => seen.connections++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, seen };
}

function senderWith({
  resolve = () => Promise.resolve(['127.0.0.1']),
  allowed_networks = LOOPBACK,
  timeout_ms = 5_000,
}: { resolve?: Resolve; allowed_networks?: string[]; timeout_ms?: number } = {}) {
  const guard = createTargetGuard({ resolve, allow_http: true, allowed_networks });
  const sender = createHttpSender({ guard, timeout_ms });
  onTestFinished(() => sender.close());
  return (url: string) => sender.send({ url, headers: { 'webhook-id': 'm1' }, body: '{"n":1}' });
}

const NOT_PUBLIC = 'The host leads to an address that is not public';

describe('a request', () => {
  it('arrives whole, on a connection that is kept, and its answer is told in short', async () => {
    const { port, seen } = await receiver((_request, response) => response.writeHead(202).end('tak\0en\u001b[31m'));
    const send = senderWith();
    for (let n = 0; n < 3; n++) {
      const answer = await send(`http://hooks.example.com:${port}/in`);
      expect(answer).toMatchObject({ status: 202, error: null, excerpt: 'taken[31m' });
      expect(answer.latency_ms).toBeGreaterThanOrEqual(0);
    }
    expect(seen.connections).toBe(1);
    expect(seen.requests[0]).toMatchObject({
      body: '{"n":1}',
      headers: { host: `hooks.example.com:${port}`, 'content-length': '7', 'webhook-id': 'm1' },
    });
  });

  it('follows no redirect', async () => {
    const inside = await receiver((_request, response) => response.end('secret'));
    const { port } = await receiver((_request, response) =>
      response.writeHead(307, { location: `http://127.0.0.1:${inside.port}/` }).end(),
    );
    expect(await senderWith()(`http://127.0.0.1:${port}/`)).toMatchObject({ status: 307, error: null });
    expect(inside.seen.connections).toBe(0);
  });

  it('reads no more of an answer than it needs', async () => {
    let socket: Socket | undefined;
    let hear = (): void => undefined;
    const closed = new Promise<void>((resolve) => (hear = resolve));
    const { port } = await receiver((request, response) => {
      socket = request.socket.on('error', () => undefined).on('close', hear);
      response.writeHead(200);
      const pour = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
        response.once('drain', pour);
      };
      pour();
    });
    const answer = await senderWith()(`http://127.0.0.1:${port}/`);
    expect(answer).toMatchObject({ status: 200, excerpt: 'x'.repeat(1_000) });
    await closed;
    expect(socket!.bytesWritten).toBeLessThan(20_000_000);
  });

  it.each<[string, RequestListener]>([
    ['no answer', () => undefined],
    ['an answer that drips', (_request, response) => void setInterval(() => response.write('.'), 20).unref()],
  ])('ends at its deadline: %s', async (_name, listener) => {
    const { port } = await receiver(listener);
    const answer = await senderWith({ timeout_ms: 150 })(`http://127.0.0.1:${port}/`);
    expect(answer).toMatchObject({ status: null, error: 'There was no whole answer in time' });
    expect(answer.latency_ms).toBeLessThan(2_000);
  });

  it('that nobody takes is a failure in words', async () => {
    const { port } = await receiver((request) => request.socket.destroy());
    expect(await senderWith()(`http://127.0.0.1:${port}/`)).toMatchObject({
      status: null,
      error: 'The connection was closed before an answer came',
    });
    const gone = createTcpServer().listen(0, '127.0.0.1');
    await once(gone, 'listening');
    const { port: free } = gone.address() as AddressInfo;
    gone.close();
    expect(await senderWith()(`http://127.0.0.1:${free}/`)).toMatchObject({ error: 'The connection was refused' });
    const nowhere: Resolve = () => Promise.reject(Object.assign(new Error('none'), { code: 'ENOTFOUND' }));
    expect(await senderWith({ resolve: nowhere })('http://no.example.com/')).toMatchObject({
      error: 'The host does not exist',
    });
  });

  it('says when the endpoint wants the next one', async () => {
    const { port } = await receiver((_request, response) => response.writeHead(503, { 'retry-after': '7' }).end());
    expect(await senderWith()(`http://127.0.0.1:${port}/`)).toMatchObject({ status: 503, retry_after_ms: 7_000 });
  });
});

describe('the inside cannot be reached', () => {
  it.each([
    '127.0.0.1',
    '[::ffff:127.0.0.1]',
    '[::1]',
    '127.1',
    '0x7f.1',
    '2130706433',
    'localhost',
    'a.localhost',
    '0.0.0.0',
  ])('by its address: %s', async (host) => {
    const { port, seen } = await receiver((_request, response) => response.end('secret'));
    const send = senderWith({ allowed_networks: [] });
    expect(await send(`http://${host}:${port}/`)).toMatchObject({ status: null, error: NOT_PUBLIC, excerpt: null });
    expect(seen.connections).toBe(0);
  });

  it.each([['127.0.0.1'], ['::ffff:127.0.0.1'], ['93.184.216.34', '127.0.0.1'], ['10.0.0.1'], ['64:ff9b::7f00:1']])(
    'by a name that leads there: %s',
    async (...addresses) => {
      const { port, seen } = await receiver((_request, response) => response.end('secret'));
      const send = senderWith({ allowed_networks: [], resolve: () => Promise.resolve(addresses) });
      expect(await send(`http://hooks.example.com:${port}/`)).toMatchObject({ status: null, error: NOT_PUBLIC });
      expect(seen.connections).toBe(0);
    },
  );

  it('by a name that led elsewhere when it was checked: each connection goes to the addresses that were looked at', async () => {
    const { port, seen } = await receiver((_request, response) => response.end('secret'));
    // What an attacker's name server answers: first the public address, and then ours.
    const answers = [['93.184.216.34'], ['127.0.0.1']];
    let asked = 0;
    const resolve: Resolve = () => Promise.resolve(answers[Math.min(asked++, 1)] ?? []);
    const guard = createTargetGuard({ resolve, allow_http: true, allowed_networks: [] });
    expect(await guard.check(`http://rebind.example.com:${port}/`, '/url')).toBe(`http://rebind.example.com:${port}/`);
    const sender = createHttpSender({ guard, timeout_ms: 2_000 });
    onTestFinished(() => sender.close());
    const answer = await sender.send({ url: `http://rebind.example.com:${port}/`, headers: {}, body: '' });
    expect(answer).toMatchObject({ status: null, error: NOT_PUBLIC });
    expect([asked, seen.connections]).toEqual([2, 0]);
  });

  it('by an answer for the check and another for the connection: there is one look-up for both', async () => {
    const { port, seen } = await receiver((_request, response) => response.end('ok'));
    const asked: string[] = [];
    // Allowed the first time, and not again: a second look-up of the same connection would be refused.
    const resolve: Resolve = (hostname) => {
      asked.push(hostname);
      return Promise.resolve(asked.length === 1 ? ['127.0.0.1'] : ['10.0.0.1']);
    };
    expect(await senderWith({ resolve })(`http://hooks.example.com:${port}/`)).toMatchObject({ status: 200 });
    expect(asked).toEqual(['hooks.example.com']);
    expect(seen.connections).toBe(1);
  });
});
