import { type ClosedSocket, type CloseDecision, decideClose } from '@potentia/domain/whatsapp/rules/close-codes';

const HOUR_MS = 3_600_000;
/** A socket that was open for so long was no failure. */
const STABLE_MS = 30_000;

/** What a session remembers of its sockets to decide what follows the end of one. */
export class Reconnection {
  readonly #first_ms: number;
  #attempt = 0;
  #replaced_at: number[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** `first_ms`: the first wait after a lost connection. */
  constructor(first_ms: number) {
    this.#first_ms = first_ms;
  }

  /** A command asks for a socket: what failed before does not count. */
  begin(): void {
    this.#attempt = 0;
    this.cancel();
  }

  /** A socket that was open for `open_ms` has ended, or could not be made. */
  decide(closed: Pick<ClosedSocket, 'code' | 'is_linked' | 'had_code' | 'is_owner'>, open_ms: number): CloseDecision {
    if (open_ms > STABLE_MS) this.#attempt = 0;
    const now = performance.now();
    this.#replaced_at = this.#replaced_at.filter((at) => now - at < HOUR_MS);
    const counts = { attempt: this.#attempt, replaced: this.#replaced_at.length };
    const decision = decideClose({ ...closed, ...counts }, Math.random(), { first_ms: this.#first_ms });
    if (closed.code === 440) this.#replaced_at.push(now);
    if (decision.next === 'reconnect') this.#attempt += 1;
    return decision;
  }

  later(after_ms: number, work: () => void): void {
    this.cancel();
    this.#timer = setTimeout(work, after_ms);
    this.#timer.unref();
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }
}
