/*
 * What it costs to give one event to every member of a room: `ws.send` per member against one coalesced write per member
 * and turn (src/socket.ts). Prints the ratio of CPU per delivery, median of 7 interleaved rounds.
 *   node bench/fan-out.ts [members] [events per turn]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { ClientSocket, FrameGroup, TurnWriter } from '../src/socket.ts';

const MEMBERS = Number(process.argv[2] ?? 100);
const PER_TURN = Number(process.argv[3] ?? 8);
const TURNS = 400;
const ROUNDS = 7;
const FRAME = JSON.stringify({ type: 'event', seq: 1, payload: 'x'.repeat(170) });

/** The members, in a process of their own: they read and forget, which costs the server nothing. */
async function runClients(port: number): Promise<void> {
  const sockets = Array.from({ length: MEMBERS }, () => connect(port, '127.0.0.1'));
  const upgrade =
    'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
  for (const socket of sockets) {
    socket.write(upgrade);
    socket.on('error', () => undefined).resume();
  }
  await once(process, 'disconnect');
  process.exit(0);
}

type Way = 'ws.send' | 'coalesced';

async function measure(
  way: Way,
  members: Array<{ ws: WebSocket; tcp: Socket; socket: ClientSocket }>,
): Promise<number> {
  const drained = async (): Promise<void> => {
    while (members.some(({ tcp }) => tcp.writableLength > 0)) await new Promise((resolve) => setImmediate(resolve));
  };
  await drained();
  const before = process.cpuUsage();
  for (let turn = 0; turn < TURNS; turn += 1) {
    if (way === 'coalesced') {
      const group = new FrameGroup({ droppable: false });
      for (const { socket } of members) socket.sendGroup(group);
      for (let i = 0; i < PER_TURN; i += 1) group.add(FRAME);
    } else {
      for (let i = 0; i < PER_TURN; i += 1) for (const { ws } of members) ws.send(FRAME);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await drained();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / (TURNS * PER_TURN * members.length);
}

async function runServer(): Promise<void> {
  const http = createServer().listen(0, '127.0.0.1');
  await once(http, 'listening');
  const wss = new WebSocketServer({ server: http, perMessageDeflate: false });
  const writer = new TurnWriter();
  const members: Array<{ ws: WebSocket; tcp: Socket; socket: ClientSocket }> = [];
  const events = { onText() {}, onBinary() {}, onSlow() {}, onShed() {}, onClosed() {} };
  wss.on('connection', (ws, { socket: tcp }) => {
    members.push({ ws, tcp, socket: new ClientSocket({ ws, tcp, writer, events }) });
  });
  const clients = fork(import.meta.filename, [
    String(MEMBERS),
    String(PER_TURN),
    String((http.address() as AddressInfo).port),
  ]);
  while (members.length < MEMBERS) await new Promise((resolve) => setTimeout(resolve, 10));

  const cost: Record<Way, number[]> = { 'ws.send': [], coalesced: [] };
  await measure('ws.send', members);
  await measure('coalesced', members);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const way of ['ws.send', 'coalesced'] as const) cost[way].push(await measure(way, members));
  }
  clients.disconnect();
  const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
  const [plain, coalesced] = [median(cost['ws.send']), median(cost.coalesced)];
  console.log(`${MEMBERS} members, ${PER_TURN} events of ${FRAME.length} bytes a turn, CPU per delivery:`);
  console.log(`  ws.send    ${plain.toFixed(2)} us`);
  console.log(`  coalesced  ${coalesced.toFixed(2)} us`);
  console.log(`  ratio      ${(coalesced / plain).toFixed(2)}`);
  process.exit(0);
}

const port = process.argv[4];
await (port === undefined ? runServer() : runClients(Number(port)));
