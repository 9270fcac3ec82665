import type { Verdict } from '@potentia/domain/webhook/rules/signature';
import type { WorkerEventKind, WorkerEventsTaken } from '@potentia/domain/whatsapp/worker-events';
import { Counter, Histogram, type Registry } from 'prom-client';

export interface WorkerWebhookMetrics {
  /** `age_ms`: of the oldest of them. */
  taken(kind: WorkerEventKind, counts: WorkerEventsTaken, age_ms: number): void;
  /** Whoever asked is not told why. */
  refused(reason: Extract<Verdict, { valid: false }>['reason']): void;
}

/** What workers say, by what became of it and how late it came; requests that were not theirs, by why not. */
export function observeWorkerWebhooks(registry: Registry): WorkerWebhookMetrics {
  const registers = [registry];
  const events = new Counter({
    name: 'potentia_whatsapp_worker_events_total',
    help: 'Events of WhatsApp workers by kind, and whether they counted, came again or were over',
    labelNames: ['kind', 'outcome'],
    registers,
  });
  const age = new Histogram({
    name: 'potentia_whatsapp_worker_event_age_seconds',
    help: 'Age of the oldest event of a request of a worker, when it was taken',
    labelNames: ['kind'],
    buckets: [0.05, 0.25, 1, 5, 30, 300, 3_600, 86_400],
    registers,
  });
  const refused = new Counter({
    name: 'potentia_whatsapp_worker_webhooks_refused_total',
    help: 'Requests at the doors of WhatsApp workers whose signature was refused, by reason',
    labelNames: ['reason'],
    registers,
  });
  return {
    taken(kind, counts, age_ms) {
      for (const [outcome, count] of Object.entries(counts)) if (count > 0) events.inc({ kind, outcome }, count);
      age.observe({ kind }, Math.max(0, age_ms) / 1_000);
    },
    refused: (reason) => refused.inc({ reason }),
  };
}
