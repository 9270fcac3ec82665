import type { TurnEvent } from './turn-events.ts';

/** Milliseconds of text that go out as one event. */
const COALESCE_MS = 40;
/** Indices of one attempt; those of the next begin above them, so that an index only ever grows. */
export const ATTEMPT_SPAN = 1_000_000;

/** One event of a run, numbered and as JSON text: it goes to several readers and stores. */
export interface LoggedEvent {
  index: number;
  type: TurnEvent['type'];
  json: string;
}

/** The index before the first event of an attempt (1, 2, …). */
export const beforeAttempt = (attempt: number): number => (attempt - 1) * ATTEMPT_SPAN;
/** The index before what is told of an attempt from what is stored: above all that it told itself. */
export const beforeReplay = (attempt: number): number => beforeAttempt(attempt) + ATTEMPT_SPAN / 2;
/** Whether an event begins an answer anew. */
export const beginsAnew = ({ index }: LoggedEvent): boolean => index % ATTEMPT_SPAN === 1;
export const isLast = ({ type }: LoggedEvent): boolean => type === 'done' || type === 'error';

/** Where a run tells what happens in it. */
export interface RunSink {
  emit(event: TurnEvent): void;
}

/**
 * What one attempt of a run has told so far. Readers take from it at their own pace: one that is slow holds nothing up, and costs
 * nothing beyond what is kept here anyway. Text that comes within 40 ms of the last goes out together, the first at once.
 */
export class RunLog implements RunSink {
  readonly #events: LoggedEvent[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #onEvent: (event: LoggedEvent) => void;
  #index: number;
  #text = '';
  #timer: NodeJS.Timeout | undefined;
  #last_delta_at = -Infinity;
  #closed = false;

  /** `onEvent` is told of each event as it is numbered. */
  constructor(attempt: number, onEvent: (event: LoggedEvent) => void) {
    this.#index = beforeAttempt(attempt);
    this.#onEvent = onEvent;
  }

  emit(event: TurnEvent): void {
    if (this.#closed) return;
    if (event.type === 'delta') return this.#addText(event.text);
    this.#flush();
    this.#push(event);
  }

  /** Whether it has told of its answer that it is stored: then nothing else can become of the run. */
  get is_done(): boolean {
    return this.#events.at(-1)?.type === 'done';
  }

  /** Nothing follows; readers end. */
  close(): void {
    if (this.#closed) return;
    this.#flush();
    this.#closed = true;
    this.#wake();
  }

  /** Every event after `after`, those that are still to come too, until the run or `signal` ends. */
  async *follow(after: number, signal: AbortSignal): AsyncGenerator<LoggedEvent, void> {
    let next = this.#events.findIndex(({ index }) => index > after);
    if (next < 0) next = this.#events.length;
    for (;;) {
      for (; next < this.#events.length; next += 1) {
        if (signal.aborted) return;
        const event = this.#events[next];
        if (event && event.index > after) yield event;
      }
      if (this.#closed || signal.aborted) return;
      await this.#more(signal);
    }
  }

  #addText(text: string): void {
    if (text === '') return;
    this.#text += text;
    const wait_ms = this.#last_delta_at + COALESCE_MS - performance.now();
    if (wait_ms <= 0) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), wait_ms);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#text === '') return;
    const text = this.#text;
    this.#text = '';
    this.#last_delta_at = performance.now();
    this.#push({ type: 'delta', text });
  }

  #push(event: TurnEvent): void {
    this.#index += 1;
    const logged = { index: this.#index, type: event.type, json: JSON.stringify(event) };
    this.#events.push(logged);
    this.#onEvent(logged);
    this.#wake();
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }

  #more(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done);
        this.#waiting.delete(done);
        resolve();
      };
      signal.addEventListener('abort', done);
      this.#waiting.add(done);
    });
  }
}
