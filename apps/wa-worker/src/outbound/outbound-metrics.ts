import { Counter, Histogram, type Registry } from 'prom-client';

export interface OutboundMetrics {
  /** A message was handed over; again: it had left before. */
  countSend(type: string, is_again: boolean): void;
  /** Null: taken. */
  observeAck(error: string | null, ms: number): void;
  countHold(reason: string): void;
  countFailure(code: string): void;
}

/** No label is a session: there are thousands of them. */
export function createOutboundMetrics(registry: Registry): OutboundMetrics {
  const registers = [registry];
  const sends = new Counter({
    name: 'potentia_wa_sends_total',
    help: 'Messages that were handed to WhatsApp, and whether they had been before',
    labelNames: ['type', 'again'],
    registers,
  });
  const acks = new Histogram({
    name: 'potentia_wa_ack_seconds',
    help: 'From handing a message over to its acknowledgement, by the code of a refusal',
    labelNames: ['error'],
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  const holds = new Counter({
    name: 'potentia_wa_holds_total',
    help: 'Times that a message was found to have to wait, and why',
    labelNames: ['reason'],
    registers,
  });
  const failures = new Counter({
    name: 'potentia_wa_send_failures_total',
    help: 'Messages that will never be sent, and why',
    labelNames: ['code'],
    registers,
  });
  return {
    countSend: (type, is_again) => sends.inc({ type, again: String(is_again) }),
    observeAck: (error, ms) => acks.observe({ error: error === null ? 'none' : labelOf(error) }, ms / 1_000),
    countHold: (reason) => holds.inc({ reason }),
    countFailure: (code) => failures.inc({ code }),
  };
}

/** Codes that are known by themselves; a server may say anything. */
const KNOWN = new Set(['463', '479', '400', '403', '404', '405', '429', '500', '503']);
const labelOf = (error: string): string => (KNOWN.has(error) ? error : 'other');
