import type { TestDatabase } from '@potentia/db/testing/database';
import type { z } from 'zod';
import type { UserCtx } from '../../platform/ctx.ts';
import { personCtx } from '../../platform/testing/person.ts';
import type { BusyCtx } from '../busy-cache.ts';
import type { GuestCtx } from '../guest-ctx.ts';
import { materialiseSchedule } from '../materialise-schedule.ts';
import { type ViewItem, viewPage, type viewQuery } from '../view-schemas.ts';
import { viewSchedules } from '../view-schedules.ts';
import { jobCtx } from './instance-kit.ts';

/** What the clocks of people and jobs show. */
const NOW = '2026-03-10T12:00:00Z';
const now = (): Date => new Date(NOW);

export const MARCH = { from: '2026-03-01T00:00:00Z', to: '2026-04-01T00:00:00Z', time_zone: 'UTC' };
type Query = Partial<z.input<typeof viewQuery>>;

/** As while Redis is away, and nobody writes much. */
export const WRITING: Pick<BusyCtx & GuestCtx, 'busy' | 'limiter'> = {
  busy: { read: () => null, write: () => Promise.resolve(), count: () => undefined },
  limiter: {
    take: () =>
      Promise.resolve({ allowed: true, limit: 1, remaining: 1, reset_ms: 0, retry_after_ms: 0, source: 'local' }),
  },
};

export const as = ({ db }: TestDatabase, { user_id }: { user_id: string }): UserCtx =>
  personCtx(db, user_id, { clock: now });

/** The context of the jobs. */
export const jobs = ({ job_db }: TestDatabase) => jobCtx(job_db, now);

/** Writes the instances of these, as the job does. */
export async function materialise(database: TestDatabase, ...schedules: { schedule_id: string }[]): Promise<void> {
  const ctx = jobs(database);
  for (const { schedule_id } of schedules) await materialiseSchedule(ctx, { payload: { schedule_id } });
}

/** A page of March 2026 in UTC, unless said otherwise. */
export async function look(ctx: UserCtx, query: Query = {}) {
  const { json, read } = await viewSchedules(ctx, { ...MARCH, ...query });
  return { ...viewPage.parse(JSON.parse(json)), read };
}
export const see = async (ctx: UserCtx, query?: Query): Promise<ViewItem[]> => (await look(ctx, query)).items;
export const titles = async (ctx: UserCtx, query?: Query): Promise<(string | null)[]> =>
  (await see(ctx, query)).map(({ title }) => title);
