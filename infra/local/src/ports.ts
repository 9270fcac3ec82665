import { createServer, Socket } from 'node:net';
import path from 'node:path';
import { PORTS } from '../usage.mjs';
import { tryRun } from './command.ts';
import { findProgram } from './machine.ts';
import { Problem } from './problem.ts';

export type PortName = keyof typeof PORTS;
export type Ports = Record<PortName, number>;

const names = Object.keys(PORTS) as PortName[];
/** Linux hands out ports above this one to whoever connects, so a port found free there may be gone a moment later. */
const FIRST_EPHEMERAL_PORT = 32_768;

/** The ports to use: the flag, else the variable, else the default. Throws a `Problem` that names what is wrong. */
export function readPorts(env: NodeJS.ProcessEnv, flags: Record<string, string | undefined>): Ports {
  const ports = Object.fromEntries(
    names.map((name) => {
      const { variable, port } = PORTS[name];
      const flag = flags[`${name}-port`];
      if (flag !== undefined) return [name, parsePort(flag, `--${name}-port`)];
      return [name, env[variable] ? parsePort(env[variable], variable) : port];
    }),
  ) as Ports;
  for (const name of names) {
    const twin = names.find((other) => other !== name && ports[other] === ports[name]);
    if (twin) throw new Problem(`${PORTS[name].variable} and ${PORTS[twin].variable} are both ${ports[name]}.`);
  }
  return ports;
}

function parsePort(text: string, source: string): number {
  const port = /^\d+$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new Problem(`${source} is "${text}"; a port is a number from 1 to 65535.`);
  return port;
}

/** Throws one `Problem` that names every port in use, by whom where that can be told, and the variable that moves it. */
export async function assertPortsFree(wanted: PortName[], ports: Ports): Promise<void> {
  const lines: string[] = [];
  for (const name of wanted) {
    if (await isPortFree(ports[name])) continue;
    const owner = await portOwner(ports[name]);
    lines.push(
      `Port ${ports[name]}, meant for ${name}, is in use${owner ? ` by ${owner}` : ''}. ` +
        `Free it, or choose another with ${PORTS[name].variable}=<port> or --${name}-port <port>.`,
    );
  }
  if (lines.length > 0) throw new Problem(lines.join('\n'));
}

/** True when this machine's loopback lets us listen there. */
export async function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** True when something accepts connections on the loopback port. */
export async function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = new Socket().setTimeout(1000);
    const end = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
    socket.connect(port, '127.0.0.1');
  });
}

/** A port nobody listens on. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 20_000 + Math.floor(Math.random() * (FIRST_EPHEMERAL_PORT - 20_000));
    if (await isPortFree(port)) return port;
  }
  throw new Problem('No free port between 20000 and 32767 was found in 100 tries.');
}

/** `redis-server *:6379 (pid 123)`, where lsof and ps are there and let us see it. */
async function portOwner(port: number): Promise<string | undefined> {
  const lsof = findProgram('lsof');
  if (!lsof) return undefined;
  const pid = /^p(\d+)$/m.exec((await tryRun(lsof, ['-nP', '-F', 'p', `-iTCP:${port}`, '-sTCP:LISTEN'])).output)?.[1];
  if (!pid) return undefined;
  const [program = '', ...args] = (await tryRun('ps', ['-o', 'args=', '-p', pid])).output.trim().split(' ');
  return `${[path.basename(program), ...args].join(' ').slice(0, 100)} (pid ${pid})`;
}
