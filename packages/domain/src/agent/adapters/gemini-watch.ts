import { Failure } from './gemini-failures.ts';

/** Why a request ends that nobody waits for any more. One for all: to make one takes a stack. */
const LET_GO = new Failure('cancelled', 'The request was let go');

/**
 * Deadlines and the caller's signal over one request. `signal` is the request's own, so that no listener outlives it; what ended it is
 * known afterwards, because the library throws the same for all of them.
 */
export class Watch {
  readonly #controller = new AbortController();
  readonly #caller: AbortSignal;
  #deadline: number;
  #timer: NodeJS.Timeout | undefined;
  #ended: 'timeout' | 'cancelled' | undefined;
  readonly #cancel = (): void => this.#end('cancelled');

  /** `deadline`: of the whole call, in milliseconds since the epoch. Throws when the caller has gone already. */
  constructor(caller: AbortSignal, deadline: number) {
    this.#caller = caller;
    this.#deadline = deadline;
    if (caller.aborted) throw new Failure('cancelled', 'The caller has gone');
    caller.addEventListener('abort', this.#cancel, { once: true });
  }

  /** Whether it was ended here, while the model was at work. */
  get has_ended(): boolean {
    return this.#ended !== undefined;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** From now on it ends after `ms`, or at the deadline if that is earlier. */
  arm(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#end('timeout'), Math.max(Math.min(ms, this.#deadline - Date.now()), 0));
  }

  /** The deadline is later from now on. */
  extend(deadline: number): void {
    this.#deadline = deadline;
  }

  /** What an error of the request is: the watch's doing, or the request's own. */
  explain(error: unknown): unknown {
    if (this.#ended === 'cancelled') return new Failure('cancelled', 'The caller has gone', { cause: error });
    return this.#ended === 'timeout'
      ? new Failure('timeout', 'No answer in time', { skips_model: true, cause: error })
      : error;
  }

  /** The request has ended by itself. */
  over(): void {
    clearTimeout(this.#timer);
    this.#caller.removeEventListener('abort', this.#cancel);
  }

  /** Lets go of the request, which ends if it still runs. */
  close(): void {
    this.over();
    this.#controller.abort(LET_GO);
  }

  #end(why: 'timeout' | 'cancelled'): void {
    this.#ended ??= why;
    this.#controller.abort();
  }
}
