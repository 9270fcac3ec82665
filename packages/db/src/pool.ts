import { openConnection, type Connection, type ConnectionOptions } from './connection.ts';
import { DbUnavailableError } from './errors.ts';

export interface PoolOptions extends ConnectionOptions {
  pool_size: number;
}

interface Slot {
  connection: Connection;
  generation: number;
  opened_at: number;
}

interface Waiter {
  resolve: (slot: Slot) => void;
  reject: (error: unknown) => void;
  timer: NodeJS.Timeout;
}

// Connections are renewed now and then so that load follows a failover or a new PgBouncer.
const MAX_AGE_MS = 30 * 60_000;

/** A connection lent to one caller until `release`. */
export interface Lease {
  connection: Connection;
  /** Back to the pool; never reused when it was lost, or when the pool has been retired since. */
  release(): void;
  /** Its statement got no answer: kill it, and retire all others unless one of them answered after `since`. */
  abandon(since: number): void;
}

/**
 * A fixed number of connections, lent one at a time. When one stops answering, every connection opened before that moment is
 * retired, because a network that swallowed one has usually swallowed the idle ones too: the next callers get fresh ones.
 */
export interface Pool {
  /** At once when a connection is free. */
  acquire(timeout_ms: number): Lease | Promise<Lease>;
  end(): Promise<void>;
}

/** Opens nothing before the first `acquire`, which throws DbUnavailableError when no connection becomes free in time. */
export function createPool(options: PoolOptions): Pool {
  const idle: Slot[] = [];
  const waiting: Waiter[] = [];
  let open = 0;
  let generation = 0;
  let last_answer_at = 0;
  let ended: Promise<void> | undefined;
  let onEmpty: (() => void) | undefined;

  const fresh = (): Slot => ({ connection: openConnection(options), generation, opened_at: Date.now() });
  const current = (slot: Slot): boolean =>
    slot.connection.usable() && slot.generation === generation && Date.now() - slot.opened_at < MAX_AGE_MS;

  function discard(slot: Slot): void {
    if (slot.connection.usable()) void slot.connection.close();
    else slot.connection.kill();
  }

  function giveBack(slot: Slot): void {
    if (ended) return leave(slot);
    const waiter = waiting.shift();
    if (waiter) {
      clearTimeout(waiter.timer);
      waiter.resolve(renewed(slot));
      return;
    }
    if (current(slot)) {
      open--;
      idle.push(slot);
    } else leave(slot);
  }

  function renewed(slot: Slot): Slot {
    if (current(slot)) return slot;
    discard(slot);
    return fresh();
  }

  function leave(slot: Slot): void {
    open--;
    discard(slot);
    if (open === 0) onEmpty?.();
  }

  function retire(): void {
    generation++;
    for (const slot of idle.splice(0)) slot.connection.kill();
  }

  function lease(slot: Slot): Lease {
    let returned = false;
    const once = (): boolean => !returned && (returned = true);
    return {
      connection: slot.connection,
      release: () => {
        if (!once()) return;
        last_answer_at = performance.now();
        giveBack(slot);
      },
      abandon: (since) => {
        if (!once()) return;
        slot.connection.kill();
        if (last_answer_at < since) retire();
        giveBack(slot);
      },
    };
  }

  function takeSlot(): Slot | undefined {
    if (open < options.pool_size) {
      open++;
      const slot = idle.pop();
      return slot ? renewed(slot) : fresh();
    }
    return undefined;
  }

  return {
    acquire: (timeout_ms) => {
      if (ended) throw new DbUnavailableError('ended');
      const slot = takeSlot();
      if (slot) return lease(slot);
      return new Promise<Lease>((resolve, reject) => {
        const waiter: Waiter = {
          resolve: (given) => resolve(lease(given)),
          reject,
          timer: setTimeout(() => {
            waiting.splice(waiting.indexOf(waiter), 1);
            reject(new DbUnavailableError('pool'));
          }, timeout_ms),
        };
        waiting.push(waiter);
      });
    },
    end: () =>
      (ended ??= (async () => {
        for (const waiter of waiting.splice(0)) {
          clearTimeout(waiter.timer);
          waiter.reject(new DbUnavailableError('ended'));
        }
        const lent = open === 0 ? undefined : new Promise<void>((resolve) => (onEmpty = resolve));
        await Promise.all(idle.splice(0).map((slot) => slot.connection.close()));
        await lent;
      })()),
  };
}
