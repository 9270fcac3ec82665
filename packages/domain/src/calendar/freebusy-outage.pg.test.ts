import { addMember, seedWorkspace } from '@potentia/db/testing/seed';
import { seedCalendar } from '@potentia/db/testing/seed-calendar';
import { expect, test, vi } from 'vitest';
import { createSchedule } from './create-schedule.ts';
import { deleteSchedule } from './delete-schedule.ts';
import { startBusyKit } from './testing/busy-kit.ts';

test(
  'without Redis, dead or frozen, answers are right and come in time; with it again, nothing old comes back',
  { timeout: 30_000 },
  async () => {
    await using kit = await startBusyKit({ timeout_ms: 50 });
    const home = await seedWorkspace(kit.database.db);
    const { calendar_id } = await seedCalendar(kit.database.db, home);
    const colleague = (await addMember(kit.database.db, home)).user_id;
    const owner = kit.ctxOf(home.owner_user_id);
    const times = { starts_local: '2026-03-02T09:00:00', duration_seconds: 3_600, time_zone: 'UTC' };
    const ask = async () => (await kit.busy(colleague, home.owner_user_id))[0];
    const span = ['2026-03-02T09:00:00Z/2026-03-02T10:00:00Z busy'];

    const freeze = (): Promise<void> => {
      kit.server.freeze();
      return Promise.resolve();
    };
    const thaw = (): Promise<void> => {
      kit.server.thaw();
      return Promise.resolve();
    };
    for (const [stop, start] of [
      [freeze, thaw],
      [() => kit.server.kill(), () => kit.server.restart()],
    ] as const) {
      expect(await ask()).toEqual([]);
      await stop();
      const { result } = await createSchedule(owner, { calendar_id, title: 'Meeting', ...times });
      const began = performance.now();
      for (let n = 0; n < 20; n++) expect(await ask()).toEqual(span);
      expect(performance.now() - began).toBeLessThan(2_000);
      expect((await kit.outcomes())['bypass']).toBeGreaterThan(0);
      await start();
      await vi.waitFor(
        async () => {
          expect(await ask()).toEqual(span);
          expect(await kit.outcomes()).toMatchObject({ hit: expect.any(Number) as number });
        },
        { timeout: 10_000, interval: 50 },
      );
      await deleteSchedule(owner, { schedule_id: result.id });
      expect(await ask()).toEqual([]);
    }
  },
);
