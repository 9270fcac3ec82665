import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { publishPresence } from '@potentia/domain/canvas/publish-presence';
import { leaveCanvas } from '@potentia/domain/canvas/leave-canvas';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { actAs, invite, open, ownedCanvas, startHub, type TestHub } from './testing/hub.ts';

describe('presence on two hubs', () => {
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

  it('is seen on every replica, coalesced to the latest, and ends with the socket', async () => {
    const canvas = await ownedCanvas(backends);
    const friend = await invite(backends, canvas, 'viewer');
    await using ada = await open(hub_a, canvas, canvas.owner);
    await using bob = await open(hub_b, canvas, friend);
    for (let x = 0; x < 200; x += 1) ada.send({ type: 'presence', cursor: { x }, selection: null, name: 'Ada' });
    const session_id = ada.frames[0]!['session_id'];
    const last = await bob.find((frame) => frame.type === 'presence' && frame['cursor']?.x === 199);
    expect(last).toMatchObject({ session_id, user_id: canvas.owner.user_id, name: 'Ada', selection: null });
    expect(bob.of('presence').length).toBeLessThan(100);
    ada.send({ type: 'leave' });
    expect(await ada.closed).toMatchObject({ code: 1000 });
    expect(await bob.find('presence.left')).toMatchObject({ session_id });
  });

  it('is in the snapshot of who joins later, also on a replica that opens the canvas for the first time', async () => {
    const canvas = await ownedCanvas(backends);
    await using ada = await open(hub_a, canvas, canvas.owner);
    ada.send({ type: 'presence', cursor: { x: 7 } });
    await ada.find('presence');
    const session_id = ada.frames[0]!['session_id'];
    // Within a second it is stored for other replicas.
    await vi.waitFor(async () => {
      await using bob = await open(hub_b, canvas, canvas.owner);
      const [presence] = bob.of('snapshot').map((frame) => frame['presence']);
      expect(presence).toEqual([expect.objectContaining({ type: 'presence', session_id, cursor: { x: 7 } })]);
    }, 4_000);
    await using here = await open(hub_a, canvas, canvas.owner);
    expect(here.of('snapshot')[0]!['presence']).toHaveLength(1);
  });

  it('over HTTP is seen by sockets, and its leaving too', async () => {
    const canvas = await ownedCanvas(backends);
    await using ada = await open(hub_a, canvas, canvas.owner);
    const friend = await invite(backends, canvas, 'viewer');
    const ctx = actAs(hub_b, friend);
    await publishPresence(ctx, { canvas_id: canvas.canvas_id, cursor: { x: 3 } });
    expect(await ada.find('presence')).toMatchObject({ user_id: friend.user_id, cursor: { x: 3 } });
    await leaveCanvas(ctx, { canvas_id: canvas.canvas_id });
    await ada.find('presence.left');
  });
});
