import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { setAccess } from '@potentia/domain/canvas/set-access';
import { mutateBlocks } from '@potentia/domain/canvas/mutate-blocks';
import { newId } from '@potentia/domain/platform/uuid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { TestClient } from './testing/client.ts';
import { actAs, createText, invite, open, ownedCanvas, person, startHub, type TestHub } from './testing/hub.ts';

describe('a canvas on two hubs', () => {
  let backends: Backends;
  let hub_a: TestHub;
  let hub_b: TestHub;

  beforeAll(async () => {
    backends = await startBackends();
    [hub_a, hub_b] = [await startHub(backends), await startHub(backends)];
  });
  afterAll(async () => {
    await Promise.all([hub_a?.stop(), hub_b?.stop()]);
    await backends?.[Symbol.asyncDispose]();
  });

  it('greets, sends the snapshot and then every event, whichever replica accepted it', async () => {
    const canvas = await ownedCanvas(backends);
    const friend = await invite(backends, canvas);
    await mutateBlocks(actAs(hub_a, canvas.owner), {
      canvas_id: canvas.canvas_id,
      mutation_id: newId(),
      ops: [createText('before') as never],
    });
    await using ada = await open(hub_a, canvas, canvas.owner);
    await using bob = await open(hub_b, canvas, friend);

    expect(ada.frames[0]).toMatchObject({
      type: 'hello',
      protocol: 1,
      canvas_id: canvas.canvas_id,
      seq: 1,
      role: 'owner',
      can_write: true,
      limits: { max_frame_bytes: 262_144, max_ops: 500 },
    });
    expect(ada.frames[1]).toMatchObject({
      type: 'snapshot',
      epoch: ada.frames[0]!['epoch'],
      seq: 1,
      canvas: { id: canvas.canvas_id, role: 'owner' },
      blocks: [{ content: { text: 'before' } }],
      presence: [],
    });

    const block_id = newId();
    const mutation_id = newId();
    ada.send({ type: 'mutate', mutation_id, ops: [createText('hello', block_id)], request_id: 'request-of-ada' });
    const ack = await ada.find('ack');
    expect(ack).toMatchObject({
      mutation_id,
      seq: 2,
      replayed: false,
      ops: [{ op: 'create', block: { id: block_id } }],
    });
    for (const client of [ada, bob]) {
      expect(await client.find('event')).toMatchObject({
        event: 'blocks.mutated',
        canvas_id: canvas.canvas_id,
        seq: 2,
        mutation_id,
        actor_user_id: canvas.owner.user_id,
        request_id: 'request-of-ada',
        payload: { ops: [{ op: 'create', block: { id: block_id, content: { text: 'hello' } } }] },
      });
    }
    await bob.mutate(newId(), [{ op: 'edit', block_id, version: 1, content: { text: 'hello Ada' } }]);
    expect(await ada.find((frame) => frame.type === 'event' && frame['seq'] === 3)).toMatchObject({
      actor_user_id: friend.user_id,
    });
  });

  it('answers a stale version with the current block, and a repeated mutation with its first answer', async () => {
    const canvas = await ownedCanvas(backends);
    await using ada = await open(hub_a, canvas, canvas.owner);
    const block_id = newId();
    const [created, edited] = [newId(), newId()];
    await ada.mutate(created, [createText('one', block_id)]);
    await ada.mutate(edited, [{ op: 'edit', block_id, version: 1, content: { text: 'two' } }]);
    const conflict = await ada.mutate(newId(), [{ op: 'edit', block_id, version: 1, content: { text: 'three' } }]);
    expect(conflict).toMatchObject({
      type: 'conflict',
      code: 'block.version_conflict',
      op_index: 0,
      current: { id: block_id, version: 2, content: { text: 'two' } },
    });
    await using again = await open(hub_b, canvas, canvas.owner);
    expect(await again.mutate(edited, [{ op: 'edit', block_id, version: 1, content: { text: 'two' } }])).toMatchObject({
      type: 'ack',
      seq: 2,
      replayed: true,
    });
    again.send({ type: 'mutate', mutation_id: edited, ops: [{ op: 'delete', block_id, version: 1 }] });
    expect(await again.find('error')).toMatchObject({ code: 'canvas.mutation_reused', ref: edited });
    expect(ada.of('event').map((frame) => frame['seq'])).toEqual([1, 2]);
  });

  it('gives clients that join in the middle of a storm every event once', async () => {
    const canvas = await ownedCanvas(backends);
    const ctx = actAs(hub_a, canvas.owner);
    const write = async (): Promise<void> => {
      for (let i = 0; i < 30; i += 1) {
        await mutateBlocks(ctx, {
          canvas_id: canvas.canvas_id,
          mutation_id: newId(),
          ops: [createText(`${i}`) as never],
        });
      }
    };
    const writing = Promise.all([write(), write()]);
    const clients: TestClient[] = [];
    for (let i = 0; i < 12; i += 1) clients.push(await open(i % 2 ? hub_a : hub_b, canvas, canvas.owner));
    await writing;
    for (const client of clients) {
      await client.find((frame) => frame['seq'] === 60 && (frame.type === 'event' || frame.type === 'snapshot'));
      expect(client.whole()).toBe(true);
      await client[Symbol.asyncDispose]();
    }
  });

  it('brings every edit to a hundred people on different replicas', async () => {
    const canvas = await ownedCanvas(backends);
    const clients = await Promise.all(
      Array.from({ length: 100 }, (_, i) => open(i % 2 ? hub_a : hub_b, canvas, canvas.owner)),
    );
    const block_ids = clients.map(() => newId());
    await clients[0]!.mutate(
      newId(),
      block_ids.map((id) => createText('', id)),
    );
    const answers = await Promise.all(
      clients.map(async (client, i) => {
        const edit = { op: 'edit', block_id: block_ids[i], version: 1, content: { text: `from ${i}` } };
        return client.mutate(newId(), [edit], 15_000);
      }),
    );
    expect(answers.map((answer) => answer.type)).toEqual(answers.map(() => 'ack'));
    for (const client of clients) {
      await client.find((frame) => frame.type === 'event' && frame['seq'] === 101);
      expect(client.whole()).toBe(true);
      expect(client.of('event')).toHaveLength(101);
    }
    await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
  });

  it('sends a fresh snapshot when asked, and goes on from it', async () => {
    const canvas = await ownedCanvas(backends);
    await using ada = await open(hub_a, canvas, canvas.owner);
    await ada.mutate(newId(), [createText('one')]);
    ada.send({ type: 'snapshot' });
    await vi.waitFor(() => expect(ada.of('snapshot')).toHaveLength(2));
    expect(ada.of('snapshot')[1]).toMatchObject({ seq: 1, blocks: [{ content: { text: 'one' } }] });
    await ada.mutate(newId(), [createText('two')]);
    await ada.find((frame) => frame.type === 'event' && frame['seq'] === 2);
    expect(ada.whole()).toBe(true);
    expect(ada.of('hello')).toHaveLength(1);
  });

  it('lets viewers watch but not write', async () => {
    const canvas = await ownedCanvas(backends);
    await using viewer = await open(hub_a, canvas, await invite(backends, canvas, 'viewer'));
    expect(viewer.frames[0]).toMatchObject({ role: 'viewer', can_write: false });
    const mutation_id = newId();
    expect(await viewer.mutate(mutation_id, [createText('no')])).toMatchObject({
      type: 'error',
      code: 'canvas.forbidden',
      ref: mutation_id,
    });
  });

  it('tells a downgrade and closes a loss of access within two seconds, on the other replica', async () => {
    const canvas = await ownedCanvas(backends);
    const friend = await invite(backends, canvas, 'editor');
    await using bob = await open(hub_b, canvas, friend);
    const ctx = actAs(hub_a, canvas.owner);
    const { canvas_id } = canvas;

    let started = performance.now();
    await setAccess(ctx, { canvas_id, user_id: friend.user_id, role: 'viewer' });
    expect(await bob.find('access')).toMatchObject({ role: 'viewer', can_write: false });
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(await bob.mutate(newId(), [createText('no')])).toMatchObject({ code: 'canvas.forbidden' });

    started = performance.now();
    await setAccess(ctx, { canvas_id, user_id: friend.user_id, role: null });
    expect(await bob.closed).toMatchObject({ code: 4003 });
    expect(performance.now() - started).toBeLessThan(2_000);
    await expect(open(hub_b, canvas, friend)).rejects.toMatchObject({ status: 404 });
  });

  it('closes the sockets of a canvas that is deleted', async () => {
    const canvas = await ownedCanvas(backends);
    await using ada = await open(hub_a, canvas, canvas.owner);
    await using again = await open(hub_b, canvas, canvas.owner);
    await backends.database.asOwner('delete from app.canvases where id = $1', [canvas.canvas_id]);
    expect(await ada.closed).toMatchObject({ code: 4004 });
    expect(await again.closed).toMatchObject({ code: 4004 });
  });

  it('takes a fresh token on the socket, and closes when the token ends, half a minute late as the handshake does', async () => {
    const canvas = await ownedCanvas(backends);
    const { user_id } = canvas.owner;
    const short = await backends.issuer.sign({ sub: user_id, exp: Math.floor(Date.now() / 1000) - 27 });
    await using kept = await open(hub_a, canvas, { user_id, token: short });
    await using dropped = await open(hub_a, canvas, { user_id, token: short });
    await kept.find('auth.expiring');
    const stranger = await person(backends);
    kept.send({ type: 'auth', token: stranger.token, ref: 'x' });
    expect(await kept.find('error')).toMatchObject({ code: 'auth.other_user', ref: 'x' });
    kept.send({ type: 'auth', token: canvas.owner.token });
    await kept.find('auth.ok');
    expect(await dropped.closed).toMatchObject({ code: 4101 });
    kept.send({ type: 'ping', ref: 'still here' });
    expect(await kept.find('pong')).toMatchObject({ ref: 'still here' });
  });

  it('cuts a client that does not answer pings, and keeps one that does', async () => {
    await using quick = await startHub(backends, { WS_PING_INTERVAL_MS: '400' });
    const canvas = await ownedCanvas(backends);
    await using kept = await open(quick, canvas, canvas.owner);
    const url = `${quick.url}/ws/canvas/${canvas.canvas_id}`;
    await using dead = await TestClient.connect(url, canvas.owner.token, { autoPong: false });
    expect(await dead.closed).toMatchObject({ code: 1006 });
    kept.send({ type: 'ping', ref: 'alive' });
    await kept.find('pong');
  });

  it('counts the sockets of this replica and of all', async () => {
    const canvas = await ownedCanvas(backends);
    await using _ada = await open(hub_a, canvas, canvas.owner);
    const metrics = await (await fetch(`${hub_a.url}/metrics`)).text();
    expect(metrics).toMatch(/^ws_sockets\{channel="canvas",service="realtime"\} [1-9]/m);
    expect(metrics).toMatch(/^ws_cluster_sockets/m);
  });
});

describe('a hub that stops', () => {
  it('answers what it has begun and sends its clients elsewhere', async () => {
    await using backends = await startBackends();
    const hub = await startHub(backends);
    const canvas = await ownedCanvas(backends);
    const ada = await open(hub, canvas, canvas.owner);
    // Somebody holds the canvas's lock, so that the mutation is under way when the stop begins.
    const { asOwner } = backends.database;
    await asOwner('begin');
    await asOwner('select 1 from app.canvas_heads where canvas_id = $1 for update', [canvas.canvas_id]);
    const answer = ada.mutate(newId(), [createText('last words')]);
    await vi.waitFor(async () => {
      const { values } = await hub.context.metrics.frames_in.get();
      expect(values.find(({ labels }) => labels.type === 'mutate')?.value).toBe(1);
    });
    const stopped = hub.stop();
    await vi.waitFor(() => expect(hub.context.hub.draining).toBe(true));
    await expect(open(hub, canvas, canvas.owner)).rejects.toThrow();
    await asOwner('rollback');
    expect(await answer).toMatchObject({ type: 'ack' });
    expect(await ada.closed).toMatchObject({ code: 4200 });
    await stopped;
  });
});
