import { createServer, type AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { pingRedis } from './redis.ts';

async function serverThatAnswers(answer: string) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.resume().write(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `redis://:word@127.0.0.1:${port}`, close: () => new Promise((resolve) => server.close(resolve)) };
}

it.each([
  ['+OK\r\n+PONG\r\n', true],
  ['-WRONGPASS invalid username-password pair\r\n-NOAUTH Authentication required.\r\n', false],
])('takes %j for %s', async (answer, ready) => {
  const { url, close } = await serverThatAnswers(answer);
  expect(await pingRedis(url)).toBe(ready);
  await close();
  expect(await pingRedis(url)).toBe(false);
});
