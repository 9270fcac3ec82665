import { sessionStatusEvent, sessionUsageEvent } from '@potentia/domain/whatsapp/worker-events';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { startEventUpkeep } from './event-upkeep.ts';
import { append, log, makeSession, setUp, until } from '../testing/relay.ts';

describe('of a session', () => {
  test('a change of its status is an event of the declared shape; the QR code is in it by its number alone', async () => {
    const world = await setUp();
    const session_id = await makeSession(world);
    const qr = { serial: 2, expires_at: '2026-03-02T09:00:20.000Z' };
    for (const changes of [
      { status: 'pairing', qr },
      { status: 'connected', phone: '6281200000001', lid: '12', profile_name: 'Ada', qr },
      { status: 'logged_out', reason: 'unlinked', close_code: 401 },
      { linked_at: null },
    ])
      await world.t.asOwner('select wa.take_session_changes($1, $2)', [session_id, changes]);
    const rows = await world.t.asOwner<{ payload: unknown }>('select payload from wa.events order by seq');
    const events = rows.map(({ payload }) => sessionStatusEvent.parse(payload));
    expect(events).toMatchObject([
      { session_id, generation: 1, status: 'pairing', qr },
      { status: 'connected', phone: '6281200000001', lid: '12', profile_name: 'Ada', qr: null },
      { status: 'logged_out', reason: 'unlinked', close_code: 401, profile_name: null, qr: null },
    ]);
    expect(events).toHaveLength(3);
  });

  test('what it sent and received is told as totals, once until they change', async () => {
    const world = await setUp();
    const session_id = await makeSession(world);
    const count = () => world.t.asOwner('select wa.count_usage($1, 1, 2, 30, 0)', [session_id]);
    await count();
    await count();
    const wake = vi.fn();
    const upkeep = startEventUpkeep({ db: world.db, log, wake, every_ms: 10 });
    onTestFinished(() => upkeep.stop());
    const totals = async () =>
      (await world.t.asOwner<{ payload: unknown }>('select payload from wa.events order by seq')).map(({ payload }) =>
        sessionUsageEvent.parse(payload),
      );
    await until(async () => expect(await totals()).toHaveLength(1));
    expect(await totals()).toMatchObject([{ session_id, sent: 2, received: 4, media_bytes: 60 }]);
    expect(wake).toHaveBeenCalledTimes(1);
    await count();
    await until(async () => expect(await totals()).toHaveLength(2));
    expect((await totals())[1]).toMatchObject({ sent: 3, received: 6, media_bytes: 90 });
  });

  test('dead events that nobody wanted in two weeks go, others stay', async () => {
    const world = await setUp();
    const session_id = await makeSession(world);
    await append(world, session_id, 'message-inbound', [1, 2, 3]);
    await world.t.asOwner(
      `update wa.events set dead_at = now() - make_interval(days => 15 - (payload ->> 'n')::int * 2) where payload ->> 'n' <> '3'`,
    );
    const upkeep = startEventUpkeep({ db: world.db, log, wake: () => undefined, every_ms: 10 });
    onTestFinished(() => upkeep.stop());
    await world.t.asOwner(`update wa.events set dead_at = now() - interval '15 days' where payload ->> 'n' = '1'`);
    const numbers = () => world.t.asOwner(`select payload ->> 'n' as n from wa.events order by seq`);
    await until(async () => expect(await numbers()).toEqual([{ n: '2' }, { n: '3' }]));
  });
});
