import type { PartnerMetrics } from '@potentia/domain/whatsapp/partner-ctx';
import { Counter, Histogram, type Registry } from 'prom-client';

/** What operators see of the partner on WhatsApp. */
export function observePartner(registry: Registry): PartnerMetrics {
  const turns = new Histogram({
    name: 'potentia_whatsapp_turn_seconds',
    help: 'From a message of a linked person to its answer on its way, by outcome: answered, failed, dropped',
    labelNames: ['outcome'],
    buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180, 900],
    registers: [registry],
  });
  const waits = new Counter({
    name: 'potentia_whatsapp_turn_waits_total',
    help: 'Attempts to answer a message of a linked person that are to be made again, by why',
    labelNames: ['code'],
    registers: [registry],
  });
  return {
    turnEnded: ({ outcome, seconds }) => turns.observe({ outcome }, seconds),
    turnWaits: (code) => waits.inc({ code }),
  };
}
