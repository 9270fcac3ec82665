import type { Connection, Rows, StatementOptions } from './connection.ts';
import { DbUnavailableError, mapPostgresError } from './errors.ts';
import { createPool, type Lease, type PoolOptions } from './pool.ts';

export interface DbOptions extends PoolOptions {
  log?: { warn(fields: object, message: string): void };
}

/** Something that runs one statement: `Db`, or the transaction that `withContext` hands out. */
export interface Queryable {
  /**
   * Runs one statement in one round trip and returns its rows. json and jsonb arrive parsed, times as ISO 8601 text in UTC,
   * bigint as number; a jsonb parameter may be an object, an array or JSON text.
   * Throws `DbError` for what Postgres refuses and `DbUnavailableError` when no answer came within the deadline (ms).
   */
  call<T>(text: string, params?: readonly unknown[], options?: { timeout_ms?: number }): Promise<T[]>;
}

export interface Db extends Queryable {
  /** Throws `DbUnavailableError` unless Postgres answers within the deadline. */
  ping(): Promise<void>;
  end(): Promise<void>;
  /** For `context.ts` alone: one connection for several statements. */
  lease(): Promise<Lease>;
  readonly timeout_ms: number;
}

/** `call` for a statement that answers exactly one row. */
export async function callOne<T>(
  db: Queryable,
  text: string,
  params: readonly unknown[],
  options?: { timeout_ms?: number },
): Promise<T> {
  const [row] = await db.call<T>(text, params, options);
  if (row === undefined) throw new Error(`no row from: ${text}`);
  return row;
}

/** Opens no connection before the first call. `timeout_ms` is the deadline of each statement, waiting for the pool included. */
export function createDb(options: DbOptions): Db {
  const pool = createPool(options);

  const call: Db['call'] = async <T>(
    text: string,
    params: readonly unknown[] = [],
    { timeout_ms = options.timeout_ms }: { timeout_ms?: number } = {},
  ): Promise<T[]> => {
    const asked_at = performance.now();
    const lease = await pool.acquire(timeout_ms);
    const began = performance.now();
    const left_ms = timeout_ms - (began - asked_at);
    if (left_ms <= 0) {
      lease.release();
      throw new DbUnavailableError('pool');
    }
    try {
      const rows = await runStatement(lease.connection, text, params, left_ms);
      lease.release();
      return rows as T[];
    } catch (error) {
      if (error instanceof DbUnavailableError && error.reason === 'deadline') {
        const fields = { timeout_ms: Math.round(left_ms), statement: text.slice(0, 80) };
        options.log?.warn(fields, 'Postgres did not answer in time');
        lease.abandon(began);
      } else lease.release();
      throw error;
    }
  };

  return {
    call,
    ping: async () => {
      await call('select 1 as ok', []);
    },
    end: () => pool.end(),
    lease: async () => pool.acquire(options.timeout_ms),
    timeout_ms: options.timeout_ms,
  };
}

/** One statement on a connection that the caller holds, against a deadline. Errors are mapped; the connection is the caller's. */
export function runStatement(
  connection: Connection,
  text: string,
  params: readonly unknown[],
  timeout_ms: number,
  options?: StatementOptions,
): Promise<Rows> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new DbUnavailableError('deadline')), timeout_ms);
    connection.send(text, params, options).then(
      (rows) => {
        clearTimeout(timer);
        resolve(rows);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(mapPostgresError(error));
      },
    );
  });
}
