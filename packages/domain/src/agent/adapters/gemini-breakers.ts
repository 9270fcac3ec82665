import {
  BrokenCircuitError,
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleWhen,
  type CircuitBreakerPolicy,
} from 'cockatiel';
import { Failure } from './gemini-failures.ts';
import type { BreakerState, ModelMetrics } from './gemini-metrics.ts';

export interface BreakerSettings {
  /** Failures one after the other that open it. */
  failures: number;
  /** Milliseconds until one request is let through; grows while that one fails. */
  rest_ms: number;
}
export const BREAKER: BreakerSettings = { failures: 5, rest_ms: 5_000 };
const LONGEST_REST_MS = 60_000;

const STATES: Record<CircuitState, BreakerState> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.HalfOpen]: 'half_open',
  [CircuitState.Open]: 'open',
  [CircuitState.Isolated]: 'open',
};

/** A circuit breaker for each model: one that does not answer is left alone for a while. Refusals and blocks say nothing about it. */
export class Breakers {
  readonly #breakers = new Map<string, CircuitBreakerPolicy>();
  readonly #metrics: ModelMetrics;
  readonly #settings: BreakerSettings;

  constructor(metrics: ModelMetrics, settings: BreakerSettings) {
    this.#metrics = metrics;
    this.#settings = settings;
  }

  /** Throws a `Failure` without asking when the breaker is open, or when another request is finding out whether it still must be. */
  async run<T>(model: string, request: () => Promise<T>): Promise<T> {
    const breaker = this.#of(model);
    // The breaker would have this one wait for the other.
    if (breaker.state === CircuitState.HalfOpen) throw this.#broken();
    try {
      return await breaker.execute(request);
    } catch (error) {
      throw error instanceof BrokenCircuitError ? this.#broken(error) : error;
    }
  }

  /** A failure after the request had begun well. */
  note(model: string, failure: Failure): void {
    const breaker = this.#of(model);
    if (breaker.state === CircuitState.Closed) breaker.execute(() => Promise.reject(failure)).catch(() => undefined);
  }

  #broken(cause?: unknown): Failure {
    const message = 'The model did not answer the last requests and is left alone for a while';
    return new Failure('unavailable', message, {
      retry_after_ms: this.#settings.rest_ms,
      skips_model: true,
      cause,
    });
  }

  #of(model: string): CircuitBreakerPolicy {
    const known = this.#breakers.get(model);
    if (known) return known;
    const { failures, rest_ms } = this.#settings;
    const breaker = circuitBreaker(
      handleWhen((error) => error instanceof Failure && error.is_transient),
      {
        breaker: new ConsecutiveBreaker(failures),
        halfOpenAfter: new ExponentialBackoff({ initialDelay: rest_ms, maxDelay: LONGEST_REST_MS }),
      },
    );
    breaker.onStateChange((state) => this.#metrics.breaker(model, STATES[state]));
    this.#metrics.breaker(model, 'closed');
    this.#breakers.set(model, breaker);
    return breaker;
  }
}
