import type { TurnMetrics } from '../turns.ts';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What operators see of turns. `count`: how many run here now. */
export function observeTurns(registry: Registry, count: () => number): TurnMetrics {
  const registers = [registry];
  const turns = new Histogram({
    name: 'potentia_turn_duration_seconds',
    help: 'From the request of a turn to its end, by outcome: done, cancelled, failed, superseded',
    labelNames: ['outcome', 'provider'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180],
    registers,
  });
  const first = new Histogram({
    name: 'potentia_turn_first_token_seconds',
    help: 'From the request of a turn to the first word of its answer',
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  const overhead = new Histogram({
    name: 'potentia_turn_overhead_seconds',
    help: 'The part of that which neither the judge nor the specialist took',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  });
  const refused = new Counter({
    name: 'potentia_turns_refused_total',
    help: 'Turns that were not begun, by code',
    labelNames: ['code'],
    registers,
  });
  new Gauge({
    name: 'potentia_turns_running',
    help: 'Turns that this process answers now',
    registers,
    collect() {
      this.set(count());
    },
  });
  return {
    ended: ({ outcome, provider, seconds }) => turns.observe({ outcome, provider }, seconds),
    firstToken(turn) {
      first.observe(turn.seconds);
      overhead.observe(turn.overhead_seconds);
    },
    refused: (code) => refused.inc({ code }),
  };
}
