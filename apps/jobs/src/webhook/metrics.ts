import type { WebhookDelivery } from '@potentia/domain/webhook/deliver-webhooks';
import { Counter, Histogram, type Registry } from 'prom-client';

/** Attempts by what became of them and how long they took, and endpoints that were disabled. */
export function observeWebhooks(registry: Registry): Pick<WebhookDelivery, 'observeAttempt' | 'observeDisabled'> {
  const attempts = new Histogram({
    name: 'potentia_webhook_attempt_duration_seconds',
    help: 'Attempts to deliver webhooks, by what became of them',
    labelNames: ['outcome'],
    buckets: [0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 15],
    registers: [registry],
  });
  const disabled = new Counter({
    name: 'potentia_webhooks_disabled_total',
    help: 'Endpoints of webhooks that were disabled because they are gone or fail',
    labelNames: ['reason'],
    registers: [registry],
  });
  return {
    observeAttempt: (outcome, latency_ms) => attempts.observe({ outcome }, latency_ms / 1_000),
    observeDisabled: (reason) => disabled.inc({ reason }),
  };
}
