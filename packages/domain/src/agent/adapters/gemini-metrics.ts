import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { ModelRole, ModelUsage } from '../model.ts';
import type { BreakerState } from '../../platform/breaker.ts';

export interface ModelMetrics {
  /** One request ended: `outcome` is `ok`, or the reason of a failure. */
  called(model: string, role: ModelRole, outcome: string, ms: number): void;
  /** The first part of a streamed answer is there. */
  began(model: string, ms: number): void;
  used(model: string, role: ModelRole, usage: ModelUsage): void;
  breaker(model: string, state: BreakerState): void;
  fellBack(role: ModelRole): void;
  /** `outcome`: `repaired`, or `defaulted`. */
  repaired(role: ModelRole, outcome: 'repaired' | 'defaulted'): void;
}

const STATES: Record<BreakerState, number> = { closed: 0, half_open: 1, open: 2 };

/** What an operator sees of the language model. */
export function observeModel(registry: Registry): ModelMetrics {
  const registers = [registry];
  const calls = new Counter({
    name: 'potentia_model_calls_total',
    help: 'Requests to the language model, with retries, by outcome: ok, or why not',
    labelNames: ['model', 'role', 'outcome'],
    registers,
  });
  const seconds = new Histogram({
    name: 'potentia_model_call_seconds',
    help: 'Requests to the language model, until the end of the answer',
    labelNames: ['model', 'role'],
    buckets: [0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120],
    registers,
  });
  const first = new Histogram({
    name: 'potentia_model_first_token_seconds',
    help: 'Until a streamed answer begins',
    labelNames: ['model'],
    buckets: [0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30],
    registers,
  });
  const tokens = new Counter({
    name: 'potentia_model_tokens_total',
    help: 'Tokens as the provider counts them; thoughts are no part of the output',
    labelNames: ['model', 'role', 'kind'],
    registers,
  });
  const breaker = new Gauge({
    name: 'potentia_model_breaker_state',
    help: 'Circuit breaker of a model: 0 closed, 1 half open, 2 open',
    labelNames: ['model'],
    registers,
  });
  const fallbacks = new Counter({
    name: 'potentia_model_fallbacks_total',
    help: 'Times that the fallback model was asked',
    labelNames: ['role'],
    registers,
  });
  const repairs = new Counter({
    name: 'potentia_model_repairs_total',
    help: 'Answers in JSON that could not be read: repaired, or replaced by the default',
    labelNames: ['role', 'outcome'],
    registers,
  });
  return {
    called(model, role, outcome, ms) {
      calls.inc({ model, role, outcome });
      seconds.observe({ model, role }, ms / 1_000);
    },
    began: (model, ms) => first.observe({ model }, ms / 1_000),
    used(model, role, usage) {
      for (const kind of ['prompt', 'output', 'thought', 'cached'] as const) {
        tokens.inc({ model, role, kind }, usage[`${kind}_tokens`]);
      }
    },
    breaker: (model, state) => breaker.set({ model }, STATES[state]),
    fellBack: (role) => fallbacks.inc({ role }),
    repaired: (role, outcome) => repairs.inc({ role, outcome }),
  };
}
