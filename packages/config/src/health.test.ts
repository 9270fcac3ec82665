import { describe, expect, test, vi } from 'vitest';
import { createHealth, startHealthReports, type HealthRow } from './health.ts';
import { createLogger } from './logger.ts';

const ok = () => Promise.resolve();
const healthOf = (checks: Record<string, () => Promise<void>>, optional?: string[]) =>
  createHealth({ service: 'demo', version: '1.0.0', instance_id: 'i-1', checks, optional, check_timeout_ms: 30 });

async function get(health: ReturnType<typeof createHealth>, path: string) {
  const response = await health.routes.find((route) => route.path === path)?.handle();
  if (!response) throw new Error(`no ${path}`);
  return response;
}
async function ready(health: ReturnType<typeof createHealth>) {
  const { status, body } = await get(health, '/ready');
  return { status, row: JSON.parse(body) as HealthRow };
}

describe('/ready', () => {
  test('is 200 and names each dependency while all answer', async () => {
    const { status, row } = await ready(healthOf({ postgres: ok, redis: ok }));
    expect(status).toBe(200);
    expect(row).toMatchObject({
      service: 'demo',
      instance_id: 'i-1',
      version: '1.0.0',
      status: 'ok',
      checks: { postgres: { ok: true }, redis: { ok: true } },
    });
  });

  test('is 503 when one fails, with a code rather than a message that could name a host', async () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED 10.1.2.3:5432'), { code: 'ECONNREFUSED' });
    const { status, row } = await ready(healthOf({ postgres: () => Promise.reject(refused), redis: ok }));
    expect(status).toBe(503);
    expect(row).toMatchObject({
      status: 'degraded',
      checks: { postgres: { ok: false, error: 'ECONNREFUSED' }, redis: { ok: true } },
    });
  });

  test('stays 200, degraded, while only a dependency fails that the service can do without', async () => {
    const away = () => Promise.reject(new Error('away'));
    const { status, row } = await ready(healthOf({ postgres: ok, redis: away }, ['redis']));
    expect(status).toBe(200);
    expect(row).toMatchObject({ status: 'degraded', checks: { redis: { ok: false } } });
    expect((await ready(healthOf({ postgres: away, redis: away }, ['redis']))).status).toBe(503);
  });

  test('does not wait for a dependency that hangs', async () => {
    const { status, row } = await ready(healthOf({ redis: () => new Promise<void>(() => undefined) }));
    expect(status).toBe(503);
    expect(row.checks.redis).toMatchObject({ ok: false, error: 'no answer within 30 ms' });
  });

  test('is 503 while draining although every dependency is well', async () => {
    const health = healthOf({ postgres: ok });
    health.setDraining();
    expect(await ready(health)).toMatchObject({ status: 503, row: { status: 'draining' } });
  });

  test('many probes at once make one round of checks', async () => {
    const check = vi.fn(ok);
    const health = healthOf({ postgres: check });
    await Promise.all(Array.from({ length: 20 }, () => ready(health)));
    expect(check).toHaveBeenCalledTimes(1);
    await ready(health);
    expect(check).toHaveBeenCalledTimes(2);
  });
});

test('/health asks no dependency', async () => {
  const check = vi.fn(() => Promise.reject(new Error('down')));
  expect(await get(healthOf({ postgres: check }), '/health')).toMatchObject({ status: 200 });
  expect(check).not.toHaveBeenCalled();
});

test('/metrics has the process, and each dependency as of the last check', async () => {
  const health = healthOf({ postgres: ok, redis: () => Promise.reject(new Error('down')) });
  await health.snapshot();
  const { content_type, body } = await get(health, '/metrics');
  expect(content_type).toContain('text/plain');
  expect(body).toContain('potentia_dependency_up{dependency="postgres",service="demo"} 1');
  expect(body).toContain('potentia_dependency_up{dependency="redis",service="demo"} 0');
  expect(body).toContain('process_cpu_seconds_total');
});

describe('startHealthReports', () => {
  const log = createLogger({ service: 'demo', level: 'silent' });

  test('writes at once and again, through failures, until stopped', async () => {
    const rows: HealthRow[] = [];
    const reports = startHealthReports({
      health: healthOf({ postgres: ok }),
      interval_ms: 5,
      log,
      write(row) {
        rows.push(row);
        return rows.length === 1 ? Promise.reject(new Error('down')) : Promise.resolve();
      },
    });
    await vi.waitFor(() => {
      expect(rows.length).toBeGreaterThan(2);
    });
    await reports.stop();
    expect(rows[1]).toMatchObject({ service: 'demo', status: 'ok', checks: { postgres: { ok: true } } });
  });

  test('stop waits for the write under way and starts no other', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const write = vi.fn(() => promise);
    const reports = startHealthReports({ health: healthOf({}), interval_ms: 1, log, write });
    await vi.waitFor(() => {
      expect(write).toHaveBeenCalled();
    });
    let stopped = false;
    const stopping = reports.stop().then(() => (stopped = true));
    await Promise.resolve();
    expect(stopped).toBe(false);
    resolve(undefined);
    await stopping;
    expect(write).toHaveBeenCalledTimes(1);
  });
});
