/** A message that has left and is not acknowledged. */
export interface Sent {
  /** Of its row. */
  id: string;
  message_id: string;
  chat_id: string;
  /** `performance.now()` when it was last on the wire; null: it is not yet. */
  at_ms: number | null;
  /** Times that it left on this connection. */
  sends: number;
  /** `Date.now()` of the first time ever. */
  first_at: number;
}

const LONGEST_RESEND_MS = 600_000;

/** What has left on the connection of now and is not acknowledged. */
export class InFlight {
  readonly #sent = new Map<string, Sent>();
  /** Rows that must not go now: they are on their way. */
  readonly #rows = new Set<string>();
  /** On the wire, which nobody was told yet. */
  readonly #untold = new Map<string, Date>();

  get size(): number {
    return this.#sent.size;
  }

  /** Whether a row is on its way, and not due to go again. */
  has(id: string): boolean {
    return this.#rows.has(id);
  }

  /** It is about to leave; the function that takes that back. */
  leave(message: { id: string; message_id: string; chat_id: string }, first_at: number): () => void {
    const { id, message_id, chat_id } = message;
    const before = this.#sent.get(message_id);
    const sends = (before?.sends ?? 0) + 1;
    this.#sent.set(message_id, {
      ...{ id, message_id, chat_id, sends, at_ms: null },
      first_at: before?.first_at ?? first_at,
    });
    this.#rows.add(id);
    return () => {
      if (before) this.#sent.set(message_id, before);
      else this.#sent.delete(message_id);
      this.#rows.delete(id);
    };
  }

  /** It is on the wire: from now on an answer is late. */
  left(message_id: string): void {
    const sent = this.#sent.get(message_id);
    if (!sent) return;
    sent.at_ms = performance.now();
    this.#untold.set(message_id, new Date());
  }

  /** What is on the wire and was not answered before: each once. */
  untold(): { id: string; message_id: string; at: Date }[] {
    const untold = [...this.#untold].flatMap(([message_id, at]) => {
      const sent = this.#sent.get(message_id);
      return sent ? [{ id: sent.id, message_id, at }] : [];
    });
    this.#untold.clear();
    return untold;
  }

  sends(message_id: string): number {
    return this.#sent.get(message_id)?.sends ?? 0;
  }

  /** The server has answered. Undefined: nothing was waited for, as for what the client sends by itself. */
  settle(message_id: string): Sent | undefined {
    const sent = this.#sent.get(message_id);
    if (!sent) return undefined;
    this.#sent.delete(message_id);
    this.#rows.delete(sent.id);
    return sent;
  }

  /**
   * Lets go again what is overdue, by `resend_ms` and then by twice that, and so on; an acknowledgement that is only late still counts.
   * Answers what has been waited for since before `give_up_before`, and is given up.
   */
  expire(resend_ms: number, give_up_before: number): Sent[] {
    const given_up: Sent[] = [];
    for (const sent of this.#sent.values()) {
      const patience_ms = Math.min(resend_ms * 2 ** (sent.sends - 1), LONGEST_RESEND_MS);
      if (sent.at_ms === null || performance.now() - sent.at_ms < patience_ms) continue;
      if (sent.first_at < give_up_before) {
        this.#sent.delete(sent.message_id);
        given_up.push(sent);
      } else this.#rows.delete(sent.id);
    }
    return given_up;
  }

  clear(): void {
    this.#sent.clear();
    this.#rows.clear();
    this.#untold.clear();
  }
}
