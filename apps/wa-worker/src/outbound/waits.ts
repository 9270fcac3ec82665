/** Of a connection that is over: nothing that began on it may go on. */
export class Superseded extends Error {
  override readonly name = 'Superseded';
}

/** Waits that can be ended all at once. */
export class Waits {
  readonly #pending = new Map<NodeJS.Timeout, (error: Error) => void>();

  /** Rejects with `Superseded` when they are ended before. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(timer);
        resolve();
      }, ms);
      timer.unref();
      this.#pending.set(timer, reject);
    });
  }

  end(): void {
    for (const [timer, reject] of this.#pending) {
      clearTimeout(timer);
      reject(new Superseded());
    }
    this.#pending.clear();
  }
}
