import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { seedWorkspace, type SeededWorkspace } from '@potentia/db/testing/seed';
import {
  seedCalendar,
  seedSchedule,
  type SeededCalendar,
  type SeededSchedule,
} from '@potentia/db/testing/seed-calendar';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import type { ViewItem, viewQuery } from './view-schemas.ts';
import { as, look, MARCH, materialise, see } from './testing/view-kit.ts';

let database: TestDatabase;
let home: SeededWorkspace;
let calendar: SeededCalendar;
let owner: UserCtx;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  home = await seedWorkspace(database.db);
  calendar = await seedCalendar(database.db, home);
  owner = person(calendar);
});

const person = (who: { user_id: string }): UserCtx => as(database, who);
const put = (overrides: Parameters<typeof seedSchedule>[2] = {}, where = calendar): Promise<SeededSchedule> =>
  seedSchedule(database.db, where, overrides);
const write = (...schedules: SeededSchedule[]): Promise<void> => materialise(database, ...schedules);
const failsWith = (code: string) => expect.objectContaining({ code }) as Error;

describe('pages', () => {
  const walk = async (ctx: UserCtx, query: Partial<z.input<typeof viewQuery>>): Promise<ViewItem[]> => {
    const items: ViewItem[] = [];
    let cursor: string | undefined;
    do {
      const page = await look(ctx, { ...query, cursor });
      items.push(...page.items);
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    return items;
  };

  it('together hold what one page would, whatever their size, of stored and of expanded occurrences', async () => {
    const stored = [
      await put({ title: 'a', rrule: 'FREQ=DAILY' }),
      await put({ title: 'b', rrule: 'FREQ=DAILY' }),
      await put({ title: 'long', starts_local: '2026-02-20T09:00:00', duration_seconds: 20 * 86_400 }),
      await put({ title: 'day', is_all_day: true, starts_local: '2026-03-02', rrule: 'FREQ=WEEKLY' }),
    ];
    await write(...stored);
    await put({
      title: 'dirty',
      rrule: 'FREQ=DAILY;INTERVAL=2',
      time_zone: 'Asia/Jakarta',
      first_at: '2026-03-01T00:00:00Z',
    });
    await put({ title: 'dirty long', starts_local: '2026-02-21T09:00:00', duration_seconds: 30 * 86_400 });
    for (const to of ['2026-04-01T00:00:00Z', '2026-07-01T00:00:00Z']) {
      const all = await see(owner, { to, limit: 5_000, time_zone: 'Asia/Jakarta' });
      expect(all.length).toBeGreaterThan(70);
      for (const limit of [1, 7, 30]) expect(await walk(owner, { to, limit, time_zone: 'Asia/Jakarta' })).toEqual(all);
    }
  });

  it('refuse a cursor of another list, and a window that is none or too long', async () => {
    const problem = (pointer: string) =>
      expect.objectContaining({
        meta: { errors: expect.arrayContaining([expect.objectContaining({ pointer })]) },
      }) as Error;
    for (const cursor of [
      'x',
      Buffer.from('"x"').toString('base64url'),
      Buffer.from('[1e300,"",0]').toString('base64url'),
    ])
      await expect(look(owner, { cursor })).rejects.toEqual(problem('/cursor'));
    await expect(look(owner, { to: MARCH.from })).rejects.toEqual(problem('/to'));
    await expect(look(owner, { to: '2027-04-06T00:00:00Z' })).rejects.toEqual(problem('/to'));
    expect(await see(owner, { to: '2027-04-05T00:00:00Z' })).toEqual([]);
    await expect(look(owner, { from: '1800-01-01T00:00:00Z', to: '1800-02-01T00:00:00Z' })).rejects.toEqual(
      problem('/from'),
    );
    await expect(look(owner, { time_zone: '+02:00' })).rejects.toEqual(problem('/time_zone'));
    await expect(look(owner, { q: ' ' })).rejects.toEqual(problem('/q'));
  });

  it('of more series than one page expands hold the beginning of the window, and a window that is too full is refused', async () => {
    await database.asOwner(
      `insert into app.schedules (id, workspace_id, calendar_id, uid, organiser_user_id, title, starts_local, time_zone, duration_seconds,
         first_at, last_at, created_by)
       select gen_random_uuid(), $1, $2, n::text, $3, n::text, at, 'UTC', 600, at at time zone 'UTC', (at + interval '10 minutes') at time zone 'UTC', $3
       from generate_series(0, 5999) n, lateral (select timestamp '2026-03-01' + n * interval '8 minutes' as at) a`,
      [home.workspace_id, calendar.calendar_id, calendar.user_id],
    );
    const items = await walk(owner, { limit: 5_000 });
    expect(items.map(({ title }) => title)).toEqual(
      Array.from({ length: 6_000 }, (_, n) => String(n)).filter((_, n) => n * 8 < 31 * 1440),
    );
    await database.asOwner(
      `update app.schedules set rrule = 'FREQ=DAILY', last_at = null, first_at = '2026-01-01', starts_local = '2026-01-01T09:00:00' where calendar_id = $1`,
      [calendar.calendar_id],
    );
    await expect(look(owner)).rejects.toEqual(failsWith('view.too_large'));
  });
});
