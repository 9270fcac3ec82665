import { once } from 'node:events';
import net from 'node:net';

type Mode = 'pass' | 'blackhole' | 'refuse';

export interface FaultProxy extends AsyncDisposable {
  port: number;
  /** `target_url` with this proxy's host and port. */
  url(target_url: string): string;
  /**
   * Connections stay open and nothing passes any more. Those that existed, and those opened meanwhile, stay dead after
   * `heal()`, as after a firewall forgot them.
   */
  blackhole(): void;
  /** New connections work again. */
  heal(): void;
  /** Resets every connection; new ones work. */
  cut(): void;
  /** Resets every connection and each new one, until `heal()`. */
  refuse(): void;
  /** Connections that were refused so far. */
  refused(): number;
  /** Delays each direction by so many milliseconds. */
  latency(ms: number): void;
  /** Round trips since the last reset: bursts from the client that came after the server had spoken. */
  flights(): number;
  reset_flights(): void;
  close(): Promise<void>;
}

/** A TCP proxy on loopback that breaks on command. */
export async function startFaultProxy(target: { target_host: string; target_port: number }): Promise<FaultProxy> {
  const pairs = new Set<Pair>();
  let mode: Mode = 'pass';
  let delay_ms = 0;
  let flights = 0;
  let refused = 0;

  const server = net.createServer((client) => {
    client.on('error', () => undefined);
    if (mode === 'refuse') {
      refused++;
      return void client.resetAndDestroy();
    }
    const pair = connectPair(
      client,
      target,
      () => delay_ms,
      () => flights++,
    );
    if (mode === 'blackhole') pair.dead = true;
    pairs.add(pair);
    client.once('close', () => pairs.delete(pair));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;

  const cut = (): void => {
    for (const pair of pairs) pair.reset();
  };
  const close = async (): Promise<void> => {
    cut();
    server.close();
    await once(server, 'close');
  };
  return {
    port,
    url: (target_url) => {
      const url = new URL(target_url);
      Object.assign(url, { hostname: '127.0.0.1', port: String(port) });
      return url.href;
    },
    blackhole: () => {
      mode = 'blackhole';
      for (const pair of pairs) pair.dead = true;
    },
    heal: () => {
      mode = 'pass';
    },
    cut,
    refuse: () => {
      mode = 'refuse';
      cut();
    },
    refused: () => refused,
    latency: (ms) => {
      delay_ms = ms;
    },
    flights: () => flights,
    reset_flights: () => {
      flights = 0;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Pair {
  dead: boolean;
  reset(): void;
}

function connectPair(
  client: net.Socket,
  target: { target_host: string; target_port: number },
  delay: () => number,
  onFlight: () => void,
): Pair {
  const upstream = net.connect(target.target_port, target.target_host);
  const pair: Pair = {
    dead: false,
    reset: () => {
      client.resetAndDestroy();
      upstream.destroy();
    },
  };
  let server_spoke = true;
  const forward = (to: net.Socket, chunk: Buffer): void => {
    const write = (): void => {
      if (!pair.dead && !to.destroyed) to.write(chunk);
    };
    if (delay() > 0) setTimeout(write, delay());
    else write();
  };
  client.setNoDelay(true);
  upstream.setNoDelay(true);
  client.on('data', (chunk: Buffer) => {
    if (server_spoke && !pair.dead) onFlight();
    server_spoke = false;
    forward(upstream, chunk);
  });
  upstream.on('data', (chunk: Buffer) => {
    server_spoke = true;
    forward(client, chunk);
  });
  upstream.on('error', () => client.destroy());
  client.once('close', () => upstream.destroy());
  upstream.once('close', () => {
    if (!pair.dead) client.end();
  });
  return pair;
}
