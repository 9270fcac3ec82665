import { createLogger } from '@potentia/config/logger';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { startRedis, type TestRedis } from '@potentia/db/testing/redis';
import { Registry } from 'prom-client';
import { createRedis, pingRedis, type RedisClient } from '../../platform/adapters/redis.ts';
import { createRedisLimiter } from '../../platform/adapters/redis-limiter.ts';
import { personCtx } from '../../platform/testing/person.ts';
import { createRedisBusyCache } from '../adapters/redis-busy-cache.ts';
import type { BusyCtx } from '../busy-cache.ts';
import type { GuestCtx } from '../guest-ctx.ts';
import { materialiseSchedule } from '../materialise-schedule.ts';
import { readFreebusy } from '../read-freebusy.ts';
import { jobCtx } from './instance-kit.ts';

export type PlannerCtx = BusyCtx & GuestCtx;

/** Postgres and Redis of a test file's own, and what asks them about free/busy. */
export interface BusyKit extends AsyncDisposable {
  database: TestDatabase;
  server: TestRedis;
  redis: RedisClient;
  ctxOf(user_id: string): PlannerCtx;
  /** Weeks by how they were answered, since it was last asked. */
  outcomes(): Promise<Record<string, number>>;
  /** `2026-03-02T09:00:00Z/2026-03-02T10:00:00Z busy`, of each person; null: not found. */
  busy(by: string, user_ids: string | string[], from?: string, to?: string): Promise<(string[] | null)[]>;
  /** Runs what the jobs are asked to do about instances. */
  materialise(calendar_id: string): Promise<void>;
}

export async function startBusyKit({ timeout_ms = 1_000 } = {}): Promise<BusyKit> {
  const [database, server] = await Promise.all([createTestDatabase(), startRedis()]);
  const log = createLogger({ service: 'test', level: 'silent' });
  const redis = createRedis({ url: server.url, timeout_ms, role: 'command' });
  await pingRedis(redis, 5_000);
  const registry = new Registry();
  const settings = { redis, timeout_ms, registry, log };
  const busy = createRedisBusyCache(settings);
  const limiter = createRedisLimiter(settings);
  const ctxOf = (user_id: string): PlannerCtx => ({ ...personCtx(database.db, user_id), busy, limiter });
  return {
    database,
    server,
    redis,
    ctxOf,
    async outcomes() {
      const counter = registry.getSingleMetric('potentia_freebusy_weeks_total');
      const { values } = await counter!.get();
      counter!.reset();
      return Object.fromEntries(values.map(({ labels, value }) => [String(labels['outcome']), value]));
    },
    async busy(by, user_ids, from = '2026-03-01T00:00:00Z', to = '2026-03-15T00:00:00Z') {
      const { people } = await readFreebusy(ctxOf(by), { user_ids: [user_ids].flat(), from, to });
      return people.map(({ found, busy: spans }) =>
        found ? spans.map(({ starts_at, ends_at, status }) => `${starts_at}/${ends_at} ${status}`) : null,
      );
    },
    async materialise(calendar_id) {
      const schedules = await database.asOwner<{ id: string }>(
        `select id from app.schedules where calendar_id = $1 and materialised_until = '-infinity'`,
        [calendar_id],
      );
      const now = (): Date => new Date('2026-03-02T12:00:00Z');
      for (const { id } of schedules)
        await materialiseSchedule(jobCtx(database.job_db, now), { payload: { schedule_id: id } });
    },
    async [Symbol.asyncDispose]() {
      redis.disconnect();
      await Promise.all([database.drop(), server.stop()]);
    },
  };
}
