import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { once } from 'node:events';
import { connect } from 'node:net';
import { newId } from '@potentia/domain/platform/uuid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createText, open, ownedCanvas, startHub, type TestCanvas, type TestHub } from './testing/hub.ts';

describe('what a client should not send', () => {
  let backends: Backends;
  let hub: TestHub;
  let canvas: TestCanvas;

  beforeAll(async () => {
    backends = await startBackends();
    hub = await startHub(backends);
    canvas = await ownedCanvas(backends);
  });
  afterAll(async () => {
    await hub?.stop();
    await backends?.[Symbol.asyncDispose]();
  });

  const written = async (): Promise<number> => {
    const [row] = await backends.database.asOwner<{ count: string }>(
      'select count(*) from app.canvas_events where canvas_id = $1',
      [canvas.canvas_id],
    );
    return Number(row!.count);
  };

  it('is answered with an error frame that names the fault; nothing is written and the socket lives on', async () => {
    const before = await written();
    await using client = await open(hub, canvas, canvas.owner);
    const mutation_id = newId();
    const cases: Array<[frame: object | string, code: string, pointer?: string]> = [
      ['{"type":', 'frame.invalid_json'],
      ['', 'frame.invalid_json'],
      ['null', 'frame.invalid'],
      [{ type: 'teleport' }, 'frame.unknown_type', '/type'],
      [{ type: 'mutate', mutation_id: 'x', ops: [] }, 'frame.invalid', '/mutation_id'],
      [{ type: 'mutate', mutation_id, ops: {} }, 'frame.invalid', '/ops'],
      [{ type: 'mutate', mutation_id, ops: [], sudo: true }, 'frame.invalid', '/sudo'],
      [{ type: 'mutate', mutation_id, ops: [] }, 'request.invalid', '/ops'],
      [{ type: 'mutate', mutation_id, ops: [{ op: 'burn' }] }, 'request.invalid', '/ops/0/op'],
      [{ type: 'mutate', mutation_id, ops: [createText('nul \u0000 byte')] }, 'request.invalid', '/ops/0/content/text'],
      [
        { type: 'mutate', mutation_id, ops: [{ op: 'delete', block_id: 'x', version: 1 }] },
        'request.invalid',
        '/ops/0/block_id',
      ],
      [{ type: 'presence', cursor: 'x'.repeat(3_000) }, 'frame.invalid', '/cursor'],
      [`{"type":"presence","cursor":${'['.repeat(50_000)}${']'.repeat(50_000)}}`, 'frame.invalid'],
    ];
    for (const [index, [frame, code, pointer]] of cases.entries()) {
      client.send(frame);
      await vi.waitFor(() => expect(client.of('error')).toHaveLength(index + 1));
      const error = client.of('error')[index]!;
      expect(error, JSON.stringify(frame).slice(0, 100)).toMatchObject({ code });
      if (pointer) expect(error['errors'].map((e: { pointer: string }) => e.pointer)).toContain(pointer);
    }
    client.ws.send(Buffer.from('{}'));
    await client.find((frame) => frame['code'] === 'frame.binary');
    client.send({ type: 'ping', ref: 'alive' });
    await client.find('pong');
    expect(await written()).toBe(before);
  });

  it('refuses a block tree with a cycle and a parent on another canvas', async () => {
    await using client = await open(hub, canvas, canvas.owner);
    const other = await ownedCanvas(backends);
    await using elsewhere = await open(hub, other, other.owner);
    const foreign = newId();
    await elsewhere.mutate(newId(), [createText('foreign', foreign)]);
    const [parent, child] = [newId(), newId()];
    await client.mutate(newId(), [createText('parent', parent), { ...createText('child', child), parent_id: parent }]);
    const cycle = await client.mutate(newId(), [{ op: 'move', block_id: parent, version: 1, parent_id: child }]);
    expect(cycle).toMatchObject({ type: 'error', code: 'block.cycle' });
    const stolen = await client.mutate(newId(), [{ ...createText('x'), parent_id: foreign }]);
    expect(stolen).toMatchObject({ type: 'error', code: 'block.parent_not_found' });
  });

  it('is cut off when a frame is larger than the limit that hello names', async () => {
    await using client = await open(hub, canvas, canvas.owner);
    client.send('x'.repeat(262_145));
    expect(await client.closed).toMatchObject({ code: 1009 });
    await using next = await open(hub, canvas, canvas.owner);
    expect(next.frames[0]).toMatchObject({ type: 'hello' });
  });

  it('is cut off when a message comes in two thousand pieces of a byte', async () => {
    await using client = await open(hub, canvas, canvas.owner);
    for (let i = 0; i < 2_000; i += 1) client.ws.send('[', { fin: false });
    expect(await client.closed).toMatchObject({ code: 1008 });
    await using next = await open(hub, canvas, canvas.owner);
    expect(next.frames[0]).toMatchObject({ type: 'hello' });
  });

  it('may arrive faster than it can be handled: every frame is answered, in order', async () => {
    await using client = await open(hub, canvas, canvas.owner);
    const ids = Array.from({ length: 300 }, () => newId());
    for (const id of ids) client.send({ type: 'mutate', mutation_id: id, ops: [createText(id)] });
    await vi.waitFor(() => expect(client.of('ack')).toHaveLength(300), 15_000);
    expect(client.of('ack').map((frame) => frame['mutation_id'])).toEqual(ids);
  });

  it('survives bytes that are no WebSocket, and a client that hangs up in the middle', async () => {
    const { port } = new URL(hub.url);
    const tcp = connect(Number(port), '127.0.0.1');
    tcp.write(
      `GET /ws/canvas/${canvas.canvas_id} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer ${canvas.owner.token}\r\n\r\n`,
    );
    const [answer] = (await once(tcp, 'data')) as [Buffer];
    expect(answer.toString()).toContain('101 Switching Protocols');
    tcp.write(Buffer.alloc(64, 0xff));
    await once(tcp, 'close');
    await using client = await open(hub, canvas, canvas.owner);
    client.send({ type: 'mutate', mutation_id: newId(), ops: [createText('and gone')] });
    client.ws.terminate();
    await using next = await open(hub, canvas, canvas.owner);
    expect(next.frames[0]).toMatchObject({ type: 'hello' });
  });

  it('ends the connection of who sends nothing else', async () => {
    await using strict = await startHub(backends, {
      WS_RATE_LIMITS: '[{"event":"invalid","limit":10,"window_ms":60000},{"limit":1000,"window_ms":60000}]',
    });
    await using client = await open(strict, canvas, canvas.owner);
    for (let i = 0; i < 50; i += 1) client.send('garbage');
    expect(await client.closed).toMatchObject({ code: 4009 });
    expect(client.of('error')).toHaveLength(11);
  });

  it('is refused with a time to wait when it is too much', async () => {
    await using strict = await startHub(backends, {
      WS_RATE_LIMITS: '[{"event":"mutate","limit":2,"window_ms":60000},{"limit":1000,"window_ms":60000}]',
    });
    await using client = await open(strict, canvas, canvas.owner);
    await client.mutate(newId(), [createText('1')]);
    await client.mutate(newId(), [createText('2')]);
    const mutation_id = newId();
    const refused = await client.mutate(mutation_id, [createText('3')]);
    expect(refused).toMatchObject({ type: 'error', ref: mutation_id, code: 'ws.rate_limited' });
    expect(refused['retry_after_ms']).toBeGreaterThan(0);
  });
});
