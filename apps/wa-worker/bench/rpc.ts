import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import path from 'node:path';
import { WebSocket } from 'ws';

/*
 * A few processes that are told by HTTP what to do, so that none is measured with another's work in it.
 */

export type Methods = Record<string, (...args: never[]) => unknown>;

/** Serves `methods` to the process that started this one, which reads the address from the first line of the output. */
export function serveMethods(methods: Methods): void {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, args } = JSON.parse(Buffer.concat(chunks).toString()) as { method: string; args: never[] };
      Promise.resolve()
        .then(() => methods[method]?.(...args))
        .then(
          (result) => response.end(JSON.stringify({ result: result ?? null })),
          (error: unknown) => response.writeHead(500).end(JSON.stringify({ error: String(error) })),
        );
    });
  });
  // Calls wait for as long as the work takes.
  server.requestTimeout = 0;
  server.listen(0, '127.0.0.1', () => {
    process.stdout.write(`rpc http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
  });
}

export interface Remote {
  url: string;
  pid: number;
  call<T>(method: string, ...args: unknown[]): Promise<T>;
  /** Memory after a collection, in bytes. */
  memory(): Promise<{ rss: number; heap: number }>;
  stop(): Promise<void>;
}

/** Starts a file as a process that can be looked into, and waits for `ready` in its output. */
export async function startProcess(file: string, env: Record<string, string>, ready: RegExp): Promise<Remote> {
  const child = spawn(process.execPath, ['--inspect=127.0.0.1:0', file], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const find = (stream: NodeJS.ReadableStream, pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const lines: string[] = [];
      createInterface({ input: stream }).on('line', (line) => {
        if (process.env['BENCH_LOG']) process.stderr.write(`${path.basename(file)}: ${line}\n`);
        lines.push(line);
        const [, found] = pattern.exec(line) ?? [];
        if (found) resolve(found);
      });
      void exited.then(() => reject(new Error(`${file} ended:\n${lines.slice(-20).join('\n')}`)));
    });
  const [url, inspector] = await Promise.all([
    find(child.stdout, ready),
    find(child.stderr, /Debugger listening on (ws:\S+)/),
  ]);
  return {
    url,
    pid: child.pid ?? 0,
    call: async <T>(method: string, ...args: unknown[]) => {
      const answer = await fetch(url, { method: 'POST', body: JSON.stringify({ method, args }) });
      const body = (await answer.json()) as { result: T; error?: string };
      if (!answer.ok) throw new Error(`${method}: ${body.error}`);
      return body.result;
    },
    memory: () => readMemory(inspector),
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

async function readMemory(inspector: string): Promise<{ rss: number; heap: number }> {
  const socket = new WebSocket(inspector);
  await new Promise((resolve) => socket.once('open', resolve));
  const ask = (id: number, method: string, params = {}) =>
    new Promise<{ result?: { value?: string } }>((resolve) => {
      socket.on('message', (data: Buffer) => {
        const message = JSON.parse(data.toString()) as { id?: number; result: { result?: { value?: string } } };
        if (message.id === id) resolve(message.result);
      });
      socket.send(JSON.stringify({ id, method, params }));
    });
  for (let round = 1; round <= 3; round++) await ask(round, 'HeapProfiler.collectGarbage');
  const expression = 'JSON.stringify(process.memoryUsage())';
  const { result } = await ask(9, 'Runtime.evaluate', { expression });
  socket.close();
  const { rss, heapUsed, external } = JSON.parse(result?.value ?? '{}') as NodeJS.MemoryUsage;
  return { rss, heap: heapUsed + external };
}

export const RPC_READY = /^rpc (http:\S+)/;
