import {
  BrokenCircuitError,
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleWhen,
} from 'cockatiel';

export type BreakerState = 'closed' | 'half_open' | 'open';

export interface BreakerOptions {
  /** Failures one after the other that open it. */
  failures: number;
  /** Milliseconds until one call is let through; grows while that one fails, up to `longest_rest_ms`. */
  rest_ms: number;
  longest_rest_ms: number;
  /** Whether an error says that the other end is not well. What it refuses says nothing about that. */
  isFailure: (error: unknown) => boolean;
  /** Told of each change, and of how it begins. */
  onState?: (state: BreakerState) => void;
}

/** Nobody was asked: the other end did not answer lately and is left alone for a while. */
export class BreakerOpenError extends Error {
  override readonly name = 'BreakerOpenError';
  /** Milliseconds after which a call may be let through. */
  readonly retry_after_ms: number;

  constructor(retry_after_ms: number, options?: ErrorOptions) {
    super('what is behind the breaker is left alone for a while', options);
    this.retry_after_ms = retry_after_ms;
  }
}

/** A circuit breaker around one thing that may be away. */
export interface Breaker {
  readonly state: BreakerState;
  /** Throws `BreakerOpenError` without calling when it is open, or when another call is finding out whether it must stay so. */
  run<T>(call: () => Promise<T>): Promise<T>;
  /** Counts a failure of a call that had begun well. */
  note(error: Error): void;
}

const STATES: Record<CircuitState, BreakerState> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.HalfOpen]: 'half_open',
  [CircuitState.Open]: 'open',
  [CircuitState.Isolated]: 'open',
};

export function createBreaker({ failures, rest_ms, longest_rest_ms, isFailure, onState }: BreakerOptions): Breaker {
  const policy = circuitBreaker(handleWhen(isFailure), {
    breaker: new ConsecutiveBreaker(failures),
    halfOpenAfter: new ExponentialBackoff({ initialDelay: rest_ms, maxDelay: longest_rest_ms }),
  });
  policy.onStateChange((state) => onState?.(STATES[state]));
  onState?.('closed');
  return {
    get state() {
      return STATES[policy.state];
    },
    async run(call) {
      // The policy would have this one wait for the other.
      if (policy.state === CircuitState.HalfOpen) throw new BreakerOpenError(rest_ms);
      try {
        return await policy.execute(call);
      } catch (error) {
        throw error instanceof BrokenCircuitError ? new BreakerOpenError(rest_ms, { cause: error }) : error;
      }
    },
    note(error) {
      if (policy.state === CircuitState.Closed) policy.execute(() => Promise.reject(error)).catch(() => undefined);
    },
  };
}
