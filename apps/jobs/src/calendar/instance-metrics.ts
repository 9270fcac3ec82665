import { countUncovered } from '@potentia/db/calendar/instance-queries';
import type { Db } from '@potentia/db/client';
import type { InstanceMetrics } from '@potentia/domain/calendar/fill-instances';
import { Counter, Gauge, type Registry } from 'prom-client';

/** Rows of occurrences that jobs write and delete. */
export function observeInstances(registry: Registry): InstanceMetrics {
  const rows = new Counter({
    name: 'potentia_calendar_instance_rows_total',
    help: 'Rows of occurrences that jobs have written and deleted',
    labelNames: ['change'],
    registers: [registry],
  });
  return {
    observe({ written, deleted }) {
      rows.inc({ change: 'written' }, written);
      rows.inc({ change: 'deleted' }, deleted);
    },
  };
}

/** Schedules without instances: views expand them on read meanwhile. */
export function measureUncovered(registry: Registry, db: Db): void {
  new Gauge({
    name: 'potentia_calendar_uncovered_schedules',
    help: 'Schedules that wait for a job to write their occurrences; grows while jobs are away',
    registers: [registry],
    async collect() {
      try {
        this.set(await countUncovered(db));
      } catch {
        // Postgres is away: `potentia_dependency_up` says so, and the last figure stands.
      }
    },
  });
}
