import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { setCanvasAccess } from '@potentia/db/canvas/queries';
import { startFaultProxy } from '@potentia/db/testing/fault-proxy';
import { newId } from '@potentia/domain/platform/uuid';
import { describe, expect, it, vi } from 'vitest';
import { createText, invite, open, ownedCanvas, startHub, type TestCanvas, type TestHub } from './testing/hub.ts';

/** Changes access in Postgres alone: nothing is published. */
const setRole = async (
  backends: Backends,
  canvas: TestCanvas,
  target_user_id: string,
  role: 'viewer' | null,
): Promise<void> => {
  const { canvas_id, owner } = canvas;
  await setCanvasAccess(backends.database.db, {
    user_id: owner.user_id,
    canvas_id,
    target_user_id,
    role,
    request_id: newId(),
  });
};

describe('a hub without Redis', () => {
  async function startWithoutRedis(): Promise<AsyncDisposable & { backends: Backends; hub: TestHub }> {
    const backends = await startBackends();
    const hub = await startHub(backends);
    await backends.redis.kill();
    return {
      backends,
      hub,
      async [Symbol.asyncDispose]() {
        await hub.stop();
        await backends[Symbol.asyncDispose]();
      },
    };
  }

  it('still lets clients join and edit, and tells a change of access within two seconds', async () => {
    await using world = await startWithoutRedis();
    const { hub, backends } = world;
    const canvas = await ownedCanvas(backends);
    const friend = await invite(backends, canvas);
    await using bob = await open(hub, canvas, friend);
    expect(await bob.mutate(newId(), [createText('alone')])).toMatchObject({ type: 'ack', seq: 1 });
    await bob.find('event');

    let started = performance.now();
    await setRole(backends, canvas, friend.user_id, 'viewer');
    expect(await bob.find('access')).toMatchObject({ role: 'viewer', can_write: false });
    expect(performance.now() - started).toBeLessThan(2_000);

    started = performance.now();
    await setRole(backends, canvas, friend.user_id, null);
    expect(await bob.closed).toMatchObject({ code: 4003 });
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('goes on with a fresh snapshot on the same socket when events are gone or the numbers start anew', async () => {
    await using world = await startWithoutRedis();
    const { hub, backends } = world;
    const canvas = await ownedCanvas(backends);
    await using ada = await open(hub, canvas, canvas.owner);
    await ada.mutate(newId(), [createText('one')]);

    await backends.database.asOwner('update app.canvas_heads set seq = seq + 5000 where canvas_id = $1', [
      canvas.canvas_id,
    ]);
    await vi.waitFor(() => expect(ada.of('snapshot')).toHaveLength(2), 5_000);
    expect(ada.of('snapshot')[1]).toMatchObject({ seq: 5_001, blocks: [{ content: { text: 'one' } }] });

    const sql = 'update app.canvas_heads set epoch = gen_random_uuid(), seq = 1 where canvas_id = $1';
    await backends.database.asOwner('delete from app.canvas_events where canvas_id = $1', [canvas.canvas_id]);
    await backends.database.asOwner(sql, [canvas.canvas_id]);
    await vi.waitFor(() => expect(ada.of('snapshot')).toHaveLength(3), 5_000);
    expect(ada.of('snapshot')[2]!['epoch']).not.toBe(ada.of('snapshot')[1]!['epoch']);
    expect(await ada.mutate(newId(), [createText('two')])).toMatchObject({ type: 'ack', seq: 2 });
    await ada.find((frame) => frame.type === 'event' && frame['epoch'] === ada.of('snapshot')[2]!['epoch']);
    expect(ada.whole()).toBe(true);
  });
});

describe('a hub without Postgres', () => {
  it('says so within the deadline, keeps its sockets, and goes on when Postgres is back', async () => {
    await using backends = await startBackends();
    const target = new URL(backends.database.app_url);
    await using proxy = await startFaultProxy({ target_host: target.hostname, target_port: Number(target.port) });
    await using hub = await startHub(backends, {
      DATABASE_URL: proxy.url(backends.database.app_url),
      DATABASE_TIMEOUT_MS: '500',
    });
    const canvas = await ownedCanvas(backends);
    await using ada = await open(hub, canvas, canvas.owner);
    proxy.blackhole();

    const lost = newId();
    const started = performance.now();
    expect(await ada.mutate(lost, [createText('into the dark')])).toMatchObject({
      type: 'error',
      ref: lost,
      code: 'platform.database_unavailable',
      retry_after_ms: expect.any(Number) as number,
    });
    expect(performance.now() - started).toBeLessThan(1_500);
    await expect(open(hub, canvas, canvas.owner)).rejects.toMatchObject({
      status: 503,
      problem: { code: 'platform.database_unavailable' },
      headers: { 'retry-after': '1' },
    });

    proxy.heal();
    await vi.waitFor(async () => {
      ada.frames.length = 0;
      expect(await ada.mutate(lost, [createText('into the light')])).toMatchObject({ type: 'ack' });
    }, 5_000);
    await using bob = await open(hub, canvas, canvas.owner);
    expect(bob.of('snapshot')[0]).toMatchObject({ seq: 1 });
  });
});
