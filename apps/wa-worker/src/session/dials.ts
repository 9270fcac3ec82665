/** How many sessions of a process connect at a time: after a restart all of them want to, and each costs the one thread a good part of a second. */
export class Dials {
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Runs `work` when its turn has come, in the order of asking. */
  async run(work: () => Promise<void>): Promise<void> {
    if (this.#running >= this.#limit) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      await work();
    } finally {
      const next = this.#waiting.shift();
      // The place goes over to the next one.
      if (next) next();
      else this.#running -= 1;
    }
  }
}
