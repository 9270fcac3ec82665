import type { CallKind } from './script.ts';

/** A request as it came, and what became of it. */
export interface LoggedRequest {
  id: number;
  at: string;
  /** `generateContent`, `streamGenerateContent`, … */
  method: string;
  model: string;
  call: CallKind;
  /** What the person said. */
  message: string;
  /** As sent; null when it was too large to keep. */
  body: unknown;
  /** What of the script acted. */
  behaviours: string[];
  status: number;
  /** `aborted`: the client went away before the end. */
  outcome: 'running' | 'answered' | 'failed' | 'cut' | 'aborted';
}

export interface LogFilter {
  call?: string | undefined;
  model?: string | undefined;
  /** A part of the body. */
  contains?: string | undefined;
  /** Later than this id. */
  after?: number | undefined;
}

const KEPT = 1_000;
const KEPT_BYTES = 64 * 1024 * 1024;
const MAX_BODY_BYTES = 1024 * 1024;

/** The last requests, oldest first, in bounded memory. */
export class RequestLog {
  #entries: { entry: LoggedRequest; bytes: number }[] = [];
  #bytes = 0;
  #next = 1;

  add(facts: Omit<LoggedRequest, 'id' | 'at' | 'status' | 'outcome'>, bytes: number): LoggedRequest {
    const is_kept = bytes <= MAX_BODY_BYTES;
    const entry: LoggedRequest = {
      ...facts,
      id: this.#next++,
      at: new Date().toISOString(),
      body: is_kept ? facts.body : null,
      status: 200,
      outcome: 'running',
    };
    const held = is_kept ? bytes : 0;
    this.#entries.push({ entry, bytes: held });
    this.#bytes += held;
    while (this.#entries.length > KEPT || this.#bytes > KEPT_BYTES) this.#bytes -= this.#entries.shift()?.bytes ?? 0;
    return entry;
  }

  list({ call, model, contains, after = 0 }: LogFilter = {}): LoggedRequest[] {
    return this.#entries
      .map(({ entry }) => entry)
      .filter((entry) => entry.id > after)
      .filter((entry) => call === undefined || entry.call === call)
      .filter((entry) => model === undefined || entry.model === model)
      .filter((entry) => contains === undefined || JSON.stringify(entry.body).includes(contains));
  }

  clear(): void {
    this.#entries = [];
    this.#bytes = 0;
  }
}
