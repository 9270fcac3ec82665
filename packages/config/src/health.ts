import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Logger } from './logger.ts';

export interface CheckResult {
  ok: boolean;
  latency_ms: number;
  error?: string;
}

/** The state of one process, as `/ready` shows it and `system_health` stores it. */
export interface HealthRow {
  service: string;
  instance_id: string;
  version: string;
  status: 'ok' | 'degraded' | 'draining';
  checks: Record<string, CheckResult>;
  started_at: string;
  reported_at: string;
}

export interface HealthResponse {
  status: number;
  content_type: string;
  body: string;
}

export interface HealthRoute {
  path: '/health' | '/ready' | '/metrics';
  handle(): Promise<HealthResponse>;
}

export interface Health {
  /** To be served as they are, without authentication. */
  routes: HealthRoute[];
  /** Where the service registers its own metrics; the process's default ones are in it. */
  registry: Registry;
  snapshot(): Promise<HealthRow>;
  /** From now on `/ready` answers 503, so that nothing new is sent here. */
  setDraining(): void;
}

/**
 * The health of a process. `checks` maps the name of each dependency to a call that rejects when it is not usable; a
 * check that takes longer than `check_timeout_ms` has failed. `optional` names those without which the process still
 * serves: their failure shows as `degraded` and leaves `/ready` at 200, or an outage of Redis would take every replica
 * out of the load balancer.
 */
export function createHealth(options: {
  service: string;
  version: string;
  instance_id: string;
  checks: Record<string, () => Promise<void>>;
  optional?: string[];
  check_timeout_ms: number;
}): Health {
  const { service, version, instance_id, optional = [] } = options;
  const started_at = new Date().toISOString();
  let draining = false;
  let running: Promise<HealthRow> | undefined;

  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  const up = new Gauge({
    name: 'potentia_dependency_up',
    help: '1 when the dependency answered the last check, else 0',
    labelNames: ['dependency'],
    registers: [registry],
  });

  async function report(): Promise<HealthRow> {
    const checks: Record<string, CheckResult> = {};
    await Promise.all(
      Object.entries(options.checks).map(async ([name, check]) => {
        const result = await runCheck(check, options.check_timeout_ms);
        checks[name] = result;
        up.set({ dependency: name }, result.ok ? 1 : 0);
      }),
    );
    const healthy = Object.values(checks).every(({ ok }) => ok);
    const status = draining ? 'draining' : healthy ? 'ok' : 'degraded';
    return { service, instance_id, version, status, checks, started_at, reported_at: new Date().toISOString() };
  }

  // Probes that arrive together share one round of checks: /ready is open, and must not become a way to load Postgres.
  const snapshot = (): Promise<HealthRow> =>
    (running ??= report().finally(() => {
      running = undefined;
    }));

  return {
    registry,
    snapshot,
    setDraining() {
      draining = true;
    },
    routes: [
      { path: '/health', handle: () => Promise.resolve(json(200, { status: 'ok', service, version, instance_id })) },
      {
        path: '/ready',
        async handle() {
          const row = await snapshot();
          const serves = Object.entries(row.checks).every(([name, { ok }]) => ok || optional.includes(name));
          return json(serves && row.status !== 'draining' ? 200 : 503, row);
        },
      },
      {
        path: '/metrics',
        handle: async () => ({ status: 200, content_type: registry.contentType, body: await registry.metrics() }),
      },
    ],
  };
}

/** Writes the process's state now and every `interval_ms`. A write that fails is logged and the next one tried. */
export function startHealthReports(options: {
  health: Health;
  write: (row: HealthRow) => Promise<unknown>;
  interval_ms?: number;
  log: Logger;
}): { stop(): Promise<void> } {
  const { health, write, interval_ms = 30_000, log } = options;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  async function tick(): Promise<void> {
    try {
      await write(await health.snapshot());
    } catch (err) {
      log.warn({ err }, 'could not write system_health');
    }
    if (stopped) return;
    timer = setTimeout(() => {
      last = tick();
    }, interval_ms);
    timer.unref();
  }
  let last = tick();

  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await last;
    },
  };
}

async function runCheck(check: () => Promise<void>, timeout_ms: number): Promise<CheckResult> {
  const started = performance.now();
  const latency = () => Math.round((performance.now() - started) * 10) / 10;
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeout_ms} ms`)), timeout_ms);
  });
  try {
    await Promise.race([check(), deadline]);
    return { ok: true, latency_ms: latency() };
  } catch (error) {
    return { ok: false, latency_ms: latency(), error: publicReason(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** Anyone may read /ready, and a driver's message can name hosts and users: a code says enough where there is one. */
function publicReason(error: unknown): string {
  if (!(error instanceof Error)) return 'failed';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message.slice(0, 120);
}

const json = (status: number, body: unknown): HealthResponse => ({
  status,
  content_type: 'application/json; charset=utf-8',
  body: JSON.stringify(body),
});
