interface Waiter {
  look: () => boolean;
  stop: (error: Error) => void;
}

/** Lets callers wait for something that changes. */
export class Watch {
  readonly #waiters = new Set<Waiter>();

  /** Whoever waits looks again. */
  changed(): void {
    for (const waiter of this.#waiters) if (waiter.look()) this.#waiters.delete(waiter);
  }

  /** What `find` finds, as soon as it does. Rejects after `timeout_ms`, or when the server closes. */
  until<T>(find: () => T | undefined, timeout_ms: number, what: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = (): boolean => {
        const found = find();
        if (found === undefined) return false;
        clearTimeout(timer);
        resolve(found);
        return true;
      };
      const stop = (error: Error): void => {
        clearTimeout(timer);
        reject(error);
      };
      const waiter = { look, stop };
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        reject(new Error(`Not within ${timeout_ms} ms: ${what}`));
      }, timeout_ms);
      if (!look()) this.#waiters.add(waiter);
    });
  }

  close(): void {
    for (const waiter of this.#waiters) waiter.stop(new Error('The server is closed'));
    this.#waiters.clear();
  }
}

/** Runs one job after the other, in the order in which they came. */
export class Lock {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(job: () => Promise<T>): Promise<T> {
    const result = this.#last.then(job, job);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
