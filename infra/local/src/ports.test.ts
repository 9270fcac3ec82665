import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { assertPortsFree, freePort, isPortFree, readPorts } from './ports.ts';

describe('readPorts', () => {
  it('takes the flag before the variable before the default', () => {
    const ports = readPorts({ POTENTIA_API_PORT: '5000', POTENTIA_JOBS_PORT: '5002' }, { 'api-port': '6000' });
    expect(ports).toMatchObject({ api: 6000, jobs: 5002, realtime: 4001, postgres: 25432 });
  });

  it.each(['0', '65536', '-1', '4000x', ' '])('names the variable that holds %j', (text) => {
    expect(() => readPorts({ POTENTIA_REDIS_PORT: text }, {})).toThrow(/POTENTIA_REDIS_PORT/);
  });

  it('refuses one port for two', () => {
    expect(() => readPorts({ POTENTIA_API_PORT: '4001' }, {})).toThrow('POTENTIA_API_PORT and POTENTIA_REALTIME_PORT');
  });
});

describe('assertPortsFree', () => {
  it('names the port in use, its purpose and the variable that moves it', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const ports = readPorts({ POTENTIA_API_PORT: String(port) }, {});
    await expect(assertPortsFree(['api'], ports)).rejects.toThrow(
      new RegExp(`Port ${port}, meant for api, is in use.*POTENTIA_API_PORT=`),
    );
    await new Promise((resolve) => server.close(resolve));
    await expect(assertPortsFree(['api'], ports)).resolves.toBeUndefined();
  });
});

it('finds free ports below those that the system hands out', async () => {
  const port = await freePort();
  expect(port).toBeLessThan(32_768);
  expect(await isPortFree(port)).toBe(true);
});
