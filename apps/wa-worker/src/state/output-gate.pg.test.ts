import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { startStates, type TestStates } from '../testing/state.ts';
import { attachGate } from './output-gate.ts';

let t: TestStates;
let server: WebSocketServer;
beforeAll(async () => {
  t = await startStates();
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
});
afterAll(async () => {
  server.close();
  await t[Symbol.asyncDispose]();
});

/** A socket, and what its other end has received. */
async function connect() {
  const accepted = once(server, 'connection') as Promise<[WebSocket]>;
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [[peer]] = await Promise.all([accepted, once(socket, 'open')]);
  const received: string[] = [];
  peer.on('message', (data: Buffer) => received.push(data.toString()));
  return { socket, peer, received };
}

/** Keeps every group of the session from being written, until `release`. */
async function blockLog(session_id: string) {
  const { asOwner } = t.database;
  await asOwner('begin');
  await asOwner('select from wa.sessions where session_id = $1 for update', [session_id]);
  return () => asOwner('commit');
}

const send = (socket: WebSocket, text: string) =>
  new Promise<Error | undefined>((resolve) => socket.send(Buffer.from(text), resolve));

test('a frame waits for what was decided before it, its sender does not, and frames keep their order', async () => {
  const { log, session_id } = await t.open();
  const { socket, received } = await connect();
  const gate = attachGate(socket, log);
  await send(socket, 'before');
  const release = await blockLog(session_id);
  const durable = log.append({ keys: { session: { a: { n: 1 } } } });
  await send(socket, 'first');
  await send(socket, 'second');
  // A round trip over the same socket: had they left, they would be there.
  socket.ping();
  await once(socket, 'pong');
  expect(received).toEqual(['before']);
  await release();
  await durable;
  await gate.released();
  socket.ping();
  await once(socket, 'pong');
  expect(received).toEqual(['before', 'first', 'second']);
  socket.terminate();
});

test('nothing leaves any more when the lease is lost, and whoever waits is told', async () => {
  const { log, session_id } = await t.open();
  const { socket, received } = await connect();
  const gate = attachGate(socket, log);
  await t.open({ session_id, generation: 2 });
  void log.append({ keys: { session: { a: { n: 1 } } } });
  await send(socket, 'late');
  await expect(gate.released()).rejects.toThrow('The session was closed on this worker');
  expect(await send(socket, 'later')).toBeInstanceOf(Error);
  socket.ping();
  await once(socket, 'pong');
  expect(received).toEqual([]);
  socket.terminate();
});

test('a socket that closes drops what it held, and what was to be remembered is remembered', async () => {
  const { log, session_id } = await t.open();
  const { socket, peer } = await connect();
  const gate = attachGate(socket, log);
  const release = await blockLog(session_id);
  const durable = log.append({ keys: { session: { a: { n: 1 } } } });
  await send(socket, 'held');
  peer.terminate();
  await expect(gate.released()).rejects.toThrow();
  await release();
  await durable;
  expect(await t.read(session_id, 'session', 'a')).toEqual({ n: 1 });
});

test('a log that falls behind stops the reading, and goes on when it has caught up', async () => {
  const { log, session_id } = await t.open();
  const { socket } = await connect();
  attachGate(socket, log);
  const release = await blockLog(session_id);
  for (let n = 0; n < 501; n++) void log.append({ keys: { session: { [`${n}`]: { n } } } });
  await send(socket, 'x');
  expect(socket.isPaused).toBe(true);
  await release();
  await log.durable();
  expect(socket.isPaused).toBe(false);
  socket.terminate();
});
