import { connect } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');

/**
 * Sends `amount` GETs over `connections` kept-alive connections, each the next as soon as it has its answer. It reads no
 * more of an answer than its status and length, so that it is the server that is busy and not this process.
 */
export async function load(
  url: string,
  options: { amount: number; connections: number; headers: Record<string, string> },
) {
  const { hostname, port, pathname, search } = new URL(url);
  const fields = Object.entries({ host: hostname, ...options.headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  const request = Buffer.from(`GET ${pathname}${search} HTTP/1.1\r\n${fields.join('')}\r\n`);
  let left = options.amount;

  const client = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname);
      let missing = 0;
      const next = (): void => {
        if (left-- > 0) socket.write(request);
        else socket.end(resolve);
      };
      socket.setNoDelay(true).on('connect', next).on('error', reject);
      socket.on('data', (chunk) => {
        if (missing === 0) {
          const end = chunk.indexOf(HEAD_END);
          const head = chunk.toString('latin1', 0, end);
          const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
          if (!head.startsWith('HTTP/1.1 200')) socket.destroy(new Error(`${url} answered ${head}`));
          missing = end + HEAD_END.length + length;
        }
        missing -= chunk.length;
        if (missing === 0) next();
      });
    });
  await Promise.all(Array.from({ length: options.connections }, client));
}
