import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@potentia/config/logger';
import type { AppError } from '../../platform/errors.ts';
import type { ModelReport, ModelRole, ModelUsage } from '../model.ts';
import type { Breakers } from './gemini-breakers.ts';
import { Failure, failureOf, portError } from './gemini-failures.ts';
import type { ModelMetrics } from './gemini-metrics.ts';
import { Watch } from './gemini-watch.ts';

/** Of one model. */
const ATTEMPTS = 3;
const FIRST_BACKOFF_MS = 250;
/** Whoever is told to wait longer asks another model. */
const LONGEST_WAIT_MS = 5_000;
/** What the first model may take of the time while there is another one. */
const FIRST_MODELS_SHARE = 0.6;

export interface AskDeps {
  breakers: Breakers;
  metrics: ModelMetrics;
  log: Logger;
}

/** What one call of the port took, over all its requests. */
export class Meter {
  readonly role: ModelRole;
  readonly #metrics: ModelMetrics;
  readonly #usage: ModelUsage = { prompt_tokens: 0, output_tokens: 0, thought_tokens: 0, cached_tokens: 0 };
  #calls = 0;
  #model: string;

  constructor(role: ModelRole, model: string, metrics: ModelMetrics) {
    this.role = role;
    this.#model = model;
    this.#metrics = metrics;
  }

  called(model: string): void {
    this.#calls += 1;
    this.#model = model;
  }

  used(model: string, usage: ModelUsage): void {
    this.#metrics.used(model, this.role, usage);
    this.#usage.prompt_tokens += usage.prompt_tokens;
    this.#usage.output_tokens += usage.output_tokens;
    this.#usage.thought_tokens += usage.thought_tokens;
    this.#usage.cached_tokens += usage.cached_tokens;
  }

  report(): ModelReport {
    return { provider: 'gemini', model: this.#model, usage: { ...this.#usage }, calls: this.#calls };
  }

  /** Whatever was thrown, as the port throws it. */
  error(error: unknown): AppError {
    return portError(failureOf(error), this.report());
  }
}

export interface Asked<T> {
  value: T;
  model: string;
  began_at: number;
}

/**
 * Asks the models in their order until one answers, each up to three times with growing, jittered pauses, or as long as the API says;
 * never past `deadline` (milliseconds since the epoch). `request` closes its watch when it has succeeded. Throws the `Failure` of the
 * first model: the others only stood in.
 */
export async function ask<T>(
  deps: AskDeps,
  call: { meter: Meter; models: string[]; deadline: number; signal: AbortSignal },
  request: (model: string, watch: Watch) => Promise<T>,
): Promise<Asked<T>> {
  const { meter, models, deadline, signal } = call;
  let first: Failure | undefined;
  for (const [index, model] of models.entries()) {
    if (index > 0) deps.metrics.fellBack(meter.role);
    const is_last = index === models.length - 1;
    const until = is_last ? deadline : Date.now() + (deadline - Date.now()) * FIRST_MODELS_SHARE;
    try {
      return await askOne(deps, { ...call, model, until }, request);
    } catch (error) {
      const failure = failureOf(error);
      first ??= failure;
      if (failure.code === 'cancelled' || !failure.is_models_own) throw failure;
      if (signal.aborted) throw new Failure('cancelled', 'The caller has gone', { cause: failure });
      deps.log.warn(
        { model, role: meter.role, code: failure.code, err: failure },
        'the language model does not answer',
      );
    }
    if (Date.now() >= deadline) break;
  }
  throw first ?? new Failure('unavailable', 'There is no model to ask');
}

async function askOne<T>(
  { breakers, metrics }: AskDeps,
  { meter, model, until, signal }: { meter: Meter; model: string; until: number; signal: AbortSignal },
  request: (model: string, watch: Watch) => Promise<T>,
): Promise<Asked<T>> {
  for (let attempt = 1; ; attempt++) {
    const began_at = performance.now();
    try {
      const value = await breakers.run(model, async () => {
        const watch = new Watch(signal, until);
        meter.called(model);
        try {
          return await request(model, watch);
        } catch (error) {
          watch.close();
          const failure = failureOf(watch.explain(error));
          metrics.called(model, meter.role, failure.code, performance.now() - began_at);
          throw failure;
        }
      });
      return { value, model, began_at };
    } catch (error) {
      const failure = failureOf(error);
      const pause = pauseAfter(failure, attempt);
      if (pause === null || Date.now() + pause >= until) throw failure;
      await sleep(pause, undefined, { signal }).catch((cause: unknown) => {
        throw new Failure('cancelled', 'The caller has gone', { cause });
      });
    }
  }
}

/** Milliseconds until the same is tried again; null: it is not. */
function pauseAfter(failure: Failure, attempt: number): number | null {
  if (failure.skips_model || attempt >= ATTEMPTS) return null;
  if (failure.retry_after_ms !== null) {
    // Later than it says, never earlier, and not all at once.
    return failure.retry_after_ms > LONGEST_WAIT_MS ? null : failure.retry_after_ms * (1 + Math.random() / 4);
  }
  return FIRST_BACKOFF_MS * 2 ** (attempt - 1) * (0.5 + Math.random());
}
