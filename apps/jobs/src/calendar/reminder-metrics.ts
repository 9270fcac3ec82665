import type { ReminderMetrics } from '@potentia/domain/calendar/remind';
import { Histogram, type Registry } from 'prom-client';

/** Reminders by channel, and how late they were. */
export function observeReminders(registry: Registry): ReminderMetrics {
  const lateness = new Histogram({
    name: 'potentia_reminder_lateness_seconds',
    help: 'Reminders that were sent, by channel, and how long after they were due',
    labelNames: ['channel'],
    buckets: [1, 5, 10, 20, 60, 300, 3_600],
    registers: [registry],
  });
  return { observeReminder: (channel, late_ms) => lateness.observe({ channel }, late_ms / 1_000) };
}
