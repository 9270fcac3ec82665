import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { ClientSocket, encodeTextFrame, FrameGroup, TurnWriter } from './socket.ts';

interface Pair {
  client: WebSocket;
  received: string[];
  server_socket: ClientSocket;
  tcp: Socket;
  events: { texts: string[]; closed: number[]; slow: number; shed: number };
}

describe('ClientSocket', () => {
  let http: Server;
  let wss: WebSocketServer;
  const writer = new TurnWriter();
  const pairs: Pair[] = [];

  beforeEach(async () => {
    http = createServer();
    wss = new WebSocketServer({ server: http, perMessageDeflate: false });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    for (const { client } of pairs.splice(0)) client.terminate();
    wss.close();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });

  async function connect(): Promise<Pair> {
    const events: Pair['events'] = { texts: [], closed: [], slow: 0, shed: 0 };
    const accepted = new Promise<{ socket: ClientSocket; tcp: Socket }>((resolve) => {
      wss.once('connection', (ws, request) => {
        const socket = new ClientSocket({
          ws,
          tcp: request.socket,
          writer,
          events: {
            onText: (text) => events.texts.push(text),
            onBinary: () => events.texts.push('(binary)'),
            onSlow: () => (events.slow += 1),
            onShed: (frames) => (events.shed += frames),
            onClosed: (code) => events.closed.push(code),
          },
        });
        resolve({ socket, tcp: request.socket });
      });
    });
    const client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`);
    const received: string[] = [];
    client.on('message', (data: Buffer) => received.push(data.toString()));
    await new Promise((resolve) => client.once('open', resolve));
    const { socket, tcp } = await accepted;
    const pair = { client, received, server_socket: socket, tcp, events };
    pairs.push(pair);
    return pair;
  }

  it('frames any text as the client expects it, of every length class', async () => {
    const { server_socket, received } = await connect();
    const texts = ['', 'é', 'x'.repeat(125), 'x'.repeat(126), 'x'.repeat(65_535), 'ü'.repeat(65_536)];
    for (const text of texts) server_socket.send(text);
    await vi.waitFor(() => expect(received).toEqual(texts));
  });

  it('has a header that says the length, for every length', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 200_000 }), (length) => {
        const frame = encodeTextFrame('x'.repeat(length));
        const short = frame[1]!;
        const said = short < 126 ? short : short === 126 ? frame.readUInt16BE(2) : Number(frame.readBigUInt64BE(2));
        expect(said).toBe(length);
      }),
    );
  });

  it('writes a group once per member and turn, in the order of the turn', async () => {
    const members = [await connect(), await connect(), await connect()];
    const writes = members.map(({ tcp }) => vi.spyOn(tcp, 'write'));
    const group = new FrameGroup({ droppable: false });
    for (const { server_socket } of members) server_socket.sendGroup(group);
    for (let i = 0; i < 20; i += 1) group.add(`event ${i}`);
    for (const { received } of members) {
      await vi.waitFor(() => expect(received).toEqual(Array.from({ length: 20 }, (_, i) => `event ${i}`)));
    }
    for (const write of writes) expect(write).toHaveBeenCalledTimes(1);
    expect(writes[1]!.mock.calls[0]![0]).toBe(writes[0]!.mock.calls[0]![0]);
  });

  it('keeps a member’s own frames and pings whole between the groups', async () => {
    const { server_socket, received } = await connect();
    const first = new FrameGroup({ droppable: false });
    first.add('1');
    server_socket.sendGroup(first);
    server_socket.send('2');
    server_socket.ping();
    const second = new FrameGroup({ droppable: false });
    second.add('3');
    server_socket.sendGroup(second);
    await vi.waitFor(() => expect(received).toEqual(['1', '2', '3']));
  });

  it('sends what is waiting before it closes, and says why', async () => {
    const { server_socket, client, received, events } = await connect();
    const closed = new Promise<string>((resolve) => {
      client.once('close', (code, reason) => resolve(`${code} ${reason.toString()}`));
    });
    server_socket.send('last words');
    server_socket.close(4200, 'draining');
    server_socket.send('never');
    expect(await closed).toBe('4200 draining');
    expect(received).toEqual(['last words']);
    await vi.waitFor(() => expect(events.closed).toEqual([4200]));
  });

  it('leaves ephemeral frames out for a reader that is behind, and gives it up past the limit', async () => {
    const { server_socket, client, events } = await connect();
    client.pause();
    const chunk = 'x'.repeat(1024 * 1024);
    for (let i = 0; i < 16; i += 1) server_socket.send(chunk);
    server_socket.flush();
    const presence = new FrameGroup({ droppable: true });
    presence.add('cursor');
    server_socket.sendGroup(presence);
    server_socket.flush();
    expect(events.shed).toBe(1);
    expect(events.slow).toBeGreaterThan(0);
  });

  it('does not give a reader up for one frame, however large', async () => {
    const { server_socket, client, received, events } = await connect();
    client.pause();
    server_socket.send('x'.repeat(24 * 1024 * 1024));
    server_socket.flush();
    expect(events.slow).toBe(0);
    client.resume();
    await vi.waitFor(() => expect(received).toHaveLength(1), 10_000);
  });

  it('stops reading while paused and loses nothing', async () => {
    const { server_socket, client, events } = await connect();
    server_socket.pause();
    client.send('a');
    client.send('b');
    server_socket.ping();
    expect(server_socket.unanswered_pings).toBe(0);
    server_socket.resume();
    await vi.waitFor(() => expect(events.texts).toEqual(['a', 'b']));
  });

  it('reports a frame that is not text', async () => {
    const { client, events } = await connect();
    client.send(Buffer.from([1]));
    await vi.waitFor(() => expect(events.texts).toEqual(['(binary)']));
  });
});
