/** One numbered message of a stream: a canvas event, or something for one person. */
export interface Entry {
  seq: number;
  /** The JSON text that goes to clients as it is. */
  frame: string;
}

export interface SequenceOptions {
  /** Reads at most `limit` entries that follow `after_seq`, in order, from Postgres. May reject: a later call retries. */
  read: (after_seq: number, limit: number) => Promise<Entry[]>;
  /** Called once for each seq, in order, without gaps. */
  deliver: (entry: Entry) => void;
  /** The gap cannot be filled: too wide, or the log has a hole. Nothing is delivered until `start` is called again. */
  onLost: () => void;
  /** A fill failed; the next `receive` or `observe` tries again. */
  onError: (error: unknown) => void;
}

/** Readers further behind than this take a fresh snapshot instead (DESIGN 5). */
export const MAX_FILL = 1_000;
const MAX_HELD = 1_000;

/**
 * Puts a lossy, repeating, unordered stream back in order. Redis brings most entries, Postgres has them all: what comes
 * next is delivered, what was seen is dropped, what is ahead is held while the gap before it is read (one read at a time).
 */
export class Sequence {
  readonly #options: SequenceOptions;
  readonly #held = new Map<number, string>();
  #position: number | undefined;
  #head = 0;
  #filling = false;
  #generation = 0;

  constructor(options: SequenceOptions) {
    this.#options = options;
  }

  /** The seq of the last delivered entry; undefined before `start` and after a loss. */
  get position(): number | undefined {
    return this.#position;
  }

  /** Everything up to `position` is known to the readers; what was held beyond it is delivered now. */
  start(position: number): void {
    this.#generation += 1;
    this.#position = position;
    this.#filling = false;
    this.#drain();
    this.#fill();
  }

  /** Forgets the position, and what was held under it: the numbers before and after do not belong together. */
  reset(): void {
    this.#generation += 1;
    this.#position = undefined;
    this.#head = 0;
    this.#filling = false;
    this.#held.clear();
  }

  /** Takes an entry from wherever it came, however late, early or often. */
  receive(entry: Entry): void {
    this.#accept(entry);
    this.#fill();
  }

  /** Somebody saw that the stream has come to `head`. */
  observe(head: number): void {
    this.#head = Math.max(this.#head, head);
    this.#fill();
  }

  #accept({ seq, frame }: Entry): void {
    this.#head = Math.max(this.#head, seq);
    if (this.#position !== undefined && seq <= this.#position) return;
    // Whatever does not fit is read again: `#head` remembers that it exists.
    if (this.#held.size < MAX_HELD || seq === (this.#position ?? 0) + 1) this.#held.set(seq, frame);
    this.#drain();
  }

  #drain(): void {
    while (this.#position !== undefined) {
      const seq = this.#position + 1;
      const frame = this.#held.get(seq);
      if (frame === undefined) break;
      this.#held.delete(seq);
      this.#position = seq;
      this.#options.deliver({ seq, frame });
    }
  }

  #fill(): void {
    if (this.#filling || this.#position === undefined || this.#head <= this.#position) return;
    for (const seq of this.#held.keys()) if (seq <= this.#position) this.#held.delete(seq);
    this.#filling = true;
    void this.#readGap(this.#generation);
  }

  async #readGap(generation: number): Promise<void> {
    try {
      while (this.#position !== undefined && this.#head > this.#position) {
        const before = this.#position;
        const entries = this.#head - before > MAX_FILL ? [] : await this.#options.read(before, MAX_FILL);
        if (generation !== this.#generation) return;
        for (const entry of entries) {
          this.#accept(entry);
          // Whoever was told of it may have begun anew.
          if (generation !== this.#generation) return;
        }
        if (this.#position === before) {
          this.reset();
          this.#options.onLost();
          return;
        }
      }
    } catch (error) {
      this.#options.onError(error);
    } finally {
      // In the turn of the loop's last look at the head: an entry that arrives after it starts the next read.
      if (generation === this.#generation) this.#filling = false;
    }
  }
}
