import { type Breaker, BreakerOpenError, createBreaker } from '../../platform/breaker.ts';
import { Failure } from './gemini-failures.ts';
import type { ModelMetrics } from './gemini-metrics.ts';

export interface BreakerSettings {
  /** Failures one after the other that open it. */
  failures: number;
  /** Milliseconds until one request is let through; grows while that one fails. */
  rest_ms: number;
}
export const BREAKER: BreakerSettings = { failures: 5, rest_ms: 5_000 };
const LONGEST_REST_MS = 60_000;

/** A circuit breaker for each model: one that does not answer is left alone for a while. Refusals and blocks say nothing about it. */
export class Breakers {
  readonly #breakers = new Map<string, Breaker>();
  readonly #metrics: ModelMetrics;
  readonly #settings: BreakerSettings;

  constructor(metrics: ModelMetrics, settings: BreakerSettings) {
    this.#metrics = metrics;
    this.#settings = settings;
  }

  /** Throws a `Failure` without asking when the breaker is open, or when another request is finding out whether it still must be. */
  async run<T>(model: string, request: () => Promise<T>): Promise<T> {
    try {
      return await this.#of(model).run(request);
    } catch (error) {
      throw error instanceof BreakerOpenError ? broken(error) : error;
    }
  }

  /** A failure after the request had begun well. */
  note(model: string, failure: Failure): void {
    this.#of(model).note(failure);
  }

  #of(model: string): Breaker {
    const known = this.#breakers.get(model);
    if (known) return known;
    const breaker = createBreaker({
      ...this.#settings,
      longest_rest_ms: LONGEST_REST_MS,
      isFailure: (error) => error instanceof Failure && error.is_transient,
      onState: (state) => this.#metrics.breaker(model, state),
    });
    this.#breakers.set(model, breaker);
    return breaker;
  }
}

function broken(cause: BreakerOpenError): Failure {
  const message = 'The model did not answer the last requests and is left alone for a while';
  return new Failure('unavailable', message, {
    retry_after_ms: cause.retry_after_ms,
    skips_model: true,
    cause,
  });
}
