import { afterAll, describe, expect, it } from 'vitest';
import { startSendingWorker, startSession } from '../testing/outbound.ts';
import { startWorkerWorld } from '../testing/worker.ts';
import { LivePace } from './live-pace.ts';

describe('a pace', () => {
  it('lets so many go at once, and as many more as it has earned since', () => {
    const pace = new LivePace();
    const hour_ms = 3_600_000;
    pace.take('numbers', 100, 0);
    expect(() => pace.take('numbers', 1, 0)).toThrow(expect.objectContaining({ code: 'whatsapp.too_fast' }));
    pace.take('numbers', 50, hour_ms / 4);
    expect(() => pace.take('numbers', 1, hour_ms / 4)).toThrow();
    pace.take('numbers', 100, hour_ms);
    // Each kind by itself.
    pace.take('groups', 20, 0);
    expect(() => pace.take('groups', 1, 0)).toThrow();
  });
});

describe('a session', () => {
  it('asks WhatsApp about so many numbers, and about those that it knows as often as anybody likes', async () => {
    await using world = await startWorkerWorld();
    const worker = await startSendingWorker(world);
    afterAll(() => worker.stop());
    const session = await startSession(world, worker);
    const check = (first: number, count: number) =>
      session.call<{ items: object[] }>('POST', '/contacts/check', {
        phones: Array.from({ length: count }, (_, n) => String(628_990_000_000 + first + n)),
      });
    for (const first of [0, 50]) expect((await check(first, 50)).status).toBe(200);
    expect((await check(0, 50)).status).toBe(200);
    expect(await check(100, 1)).toMatchObject({ status: 429, body: { code: 'whatsapp.too_fast' } });
    const members = Array.from({ length: 256 }, (_, n) => String(628_880_000_000 + n));
    const change = (action: string) =>
      session.call('POST', '/groups/12036300000000000/participants', { action, phones: members });
    expect((await change('add')).status).not.toBe(429);
    expect(await change('add')).toMatchObject({ status: 429, body: { code: 'whatsapp.too_fast' } });
    expect((await change('remove')).status).not.toBe(429);
    const create = () => session.call('POST', '/groups', { subject: 'More', phones: [members[0]] });
    expect(await create()).toMatchObject({ status: 429 });
  });
});
