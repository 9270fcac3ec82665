import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { setAccess } from '@potentia/domain/canvas/set-access';
import { meChannel } from '@potentia/domain/platform/bus';
import { deliverMe } from '@potentia/domain/platform/deliver-me';
import { newId } from '@potentia/domain/platform/uuid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { TestClient } from './testing/client.ts';
import { actAs, ownedCanvas, type Person, person, startHub, type TestHub } from './testing/hub.ts';

describe('/ws/me on two hubs', () => {
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

  async function openMe(hub: TestHub, { token }: Person): Promise<TestClient> {
    const client = await TestClient.connect(`${hub.url}/ws/me`, token);
    await client.find('hello');
    return client;
  }

  /** As the job does: into the person's sequence, then to the hubs. `publish`: whether Redis carries it. */
  async function deliver(user_id: string, text: string, publish = true, outbox_id = newId()): Promise<void> {
    const bus = publish ? hub_a.context.hub.bus : { publish: () => undefined };
    await deliverMe({ db: backends.database.job_db, bus }, {
      outbox_id,
      payload: { user_id, type: 'test.said', text },
    } as never);
  }

  it('says where the sequence stands and then delivers in order, to each device on any replica, once', async () => {
    const ada = await person(backends);
    await deliver(ada.user_id, 'before');
    await using phone = await openMe(hub_a, ada);
    await using desk = await openMe(hub_b, ada);
    expect(phone.frames[0]).toMatchObject({ type: 'hello', protocol: 1, user_id: ada.user_id, seq: 1 });
    const twice = newId();
    await deliver(ada.user_id, 'two', true, twice);
    await deliver(ada.user_id, 'two', true, twice);
    await deliver(ada.user_id, 'three');
    for (const client of [phone, desk]) {
      await client.find((frame) => frame['seq'] === 3);
      expect(client.of('event').map((frame) => frame['seq'])).toEqual([2, 3]);
      expect(client.whole()).toBe(true);
    }
  });

  it('reads what Redis did not bring, within the time of a poll, with the same text', async () => {
    const ada = await person(backends);
    await using here = await openMe(hub_a, ada);
    await deliver(ada.user_id, 'silent', false);
    const silent = await here.find('event', 3_000);
    expect(silent).toMatchObject({ seq: 1, event: 'test.said' });
    await deliver(ada.user_id, 'a gap', false);
    await deliver(ada.user_id, 'loud');
    await here.find((frame) => frame['seq'] === 3);
    expect(here.whole()).toBe(true);
    expect(Object.keys(here.of('event')[0]!)).toEqual(Object.keys(here.of('event')[2]!));
  });

  it('says hello again to whom events went by that are kept no more, and goes on from there', async () => {
    const ada = await person(backends);
    await using here = await openMe(hub_a, ada);
    await backends.database.asOwner('update app.user_heads set seq = 3 where user_id = $1', [ada.user_id]);
    await deliver(ada.user_id, 'after the gap');
    expect(await here.find((frame) => frame.type === 'hello' && frame['seq'] === 4)).toBeDefined();
    await deliver(ada.user_id, 'as ever');
    expect(await here.find((frame) => frame['seq'] === 5)).toMatchObject({ event: 'test.said' });
    expect(here.of('event').map((frame) => frame['seq'])).toEqual([5]);
  });

  it('shows what an answer says as it comes, without a number, to its own person alone', async () => {
    const [ada, eve] = [await person(backends), await person(backends)];
    await using here = await openMe(hub_a, ada);
    await using there = await openMe(hub_b, ada);
    await using other = await openMe(hub_b, eve);
    const frame = { type: 'agent', run_id: newId(), index: 3, event: { type: 'delta', text: 'so far' } };
    // As an API does: it is no hub, so Redis carries it to all.
    hub_a.context.hub.bus.publish(meChannel(ada.user_id), {
      ...{ kind: 'agent', user_id: ada.user_id, frame: JSON.stringify(frame) },
    });
    expect(await here.find('agent')).toEqual(frame);
    expect(await there.find('agent')).toEqual(frame);
    other.send({ type: 'ping', ref: 'after' });
    await other.find('pong');
    expect(other.of('agent')).toEqual([]);
    await deliver(ada.user_id, 'as ever');
    expect(await here.find('event')).toMatchObject({ seq: 1 });
  });

  it('shows a code to link an account with to whoever is connected, and keeps it for nobody', async () => {
    const [ada, eve] = [await person(backends), await person(backends)];
    await using here = await openMe(hub_b, ada);
    await using other = await openMe(hub_b, eve);
    const frame = {
      type: 'whatsapp.qr',
      session_id: newId(),
      qr: 'code',
      serial: 1,
      expires_at: '2026-03-02T09:00:00Z',
    };
    hub_a.context.hub.bus.publish(meChannel(ada.user_id), {
      ...{ kind: 'whatsapp', user_id: ada.user_id, frame: JSON.stringify(frame) },
    });
    expect(await here.find('whatsapp.qr')).toEqual(frame);
    await using late = await openMe(hub_b, ada);
    for (const client of [other, late]) {
      client.send({ type: 'ping', ref: 'after' });
      await client.find('pong');
      expect(client.of('whatsapp.qr')).toEqual([]);
    }
  });

  it('delivers to nobody else', async () => {
    const [ada, eve] = [await person(backends), await person(backends)];
    await using hers = await openMe(hub_a, ada);
    await using other = await openMe(hub_a, eve);
    await deliver(ada.user_id, 'secret');
    await hers.find('event');
    other.send({ type: 'ping', ref: 'after' });
    await other.find('pong');
    expect(other.of('event')).toEqual([]);
  });

  it('takes no frames that belong on a canvas', async () => {
    await using client = await openMe(hub_a, await person(backends));
    client.send({ type: 'mutate', mutation_id: newId(), ops: [] });
    expect(await client.find('error')).toMatchObject({ code: 'frame.unknown_type' });
  });

  it('has a row in the outbox for whoever is invited to a canvas', async () => {
    const canvas = await ownedCanvas(backends);
    const friend = await person(backends);
    await setAccess(actAs(hub_a, canvas.owner), {
      canvas_id: canvas.canvas_id,
      user_id: friend.user_id,
      role: 'editor',
    });
    await vi.waitFor(async () => {
      const rows = await backends.database.asOwner<{ payload: object }>(
        "select payload from app.outbox where topic = 'me.deliver'",
      );
      expect(rows.map((row) => row.payload)).toContainEqual(
        expect.objectContaining({
          user_id: friend.user_id,
          type: 'canvas.access_changed',
          canvas_id: canvas.canvas_id,
          role: 'editor',
        }),
      );
    });
  });
});
