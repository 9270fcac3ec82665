import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type postgres from 'postgres';
import { runStatement, type Db, type Queryable } from './client.ts';
import type { Rows, StatementOptions } from './connection.ts';
import { DbUnavailableError } from './errors.ts';

/** A transaction in somebody's context. Statements sent without awaiting each travel together, in order. */
export interface Tx extends Queryable {
  /** Drizzle on this transaction, for cold queries. Has no `transaction()` of its own. */
  readonly orm: PostgresJsDatabase;
}

export interface Scope {
  user_id: string;
  /** Tenant context: `needed_role` is of the workspace (`guest` < `member` < `admin` < `owner`). */
  workspace_id?: string;
  /** Canvas context: `needed_role` is of the canvas (`viewer` < `commenter` < `editor` < `admin` < `owner`). */
  canvas_id?: string;
  needed_role?: string;
}

/**
 * Runs `fn` in one transaction under the caller's context: of a canvas, else of a workspace, else of the person alone.
 * Nothing of it is committed unless `fn` resolves. Throws what the context refuses (`canvas.not_found`, …), what `fn` throws,
 * `DbUnavailableError`, and a plain error when a statement had failed and `fn` swallowed it: then nothing is committed.
 */
export function withContext<T>(db: Db, scope: Scope, fn: (tx: Tx) => Promise<T>): Promise<T> {
  const [text, params] = contextStatement(scope);
  return inTransaction(db, text, params, fn);
}

/** For jobs that act for no person (role `job_user`). `reason` names the job, like `outbox.relay`. */
export function asSystem<T>(db: Db, reason: string, fn: (tx: Tx) => Promise<T>): Promise<T> {
  return inTransaction(db, 'select app.set_system_context($1)', [reason], fn);
}

function contextStatement(scope: Scope): [string, unknown[]] {
  if (scope.canvas_id !== undefined)
    return [
      'select app.set_canvas_context($1, $2, $3)',
      [scope.user_id, scope.canvas_id, scope.needed_role ?? 'viewer'],
    ];
  if (scope.workspace_id !== undefined)
    return [
      'select app.set_tenant_context($1, $2, $3)',
      [scope.user_id, scope.workspace_id, scope.needed_role ?? 'member'],
    ];
  return ['select app.set_user_context($1)', [scope.user_id]];
}

async function inTransaction<T>(
  db: Db,
  context_text: string,
  context_params: unknown[],
  fn: (tx: Tx) => Promise<T>,
): Promise<T> {
  const lease = await db.lease();
  const began = performance.now();
  const run: Run = (text, params, timeout_ms = db.timeout_ms, options) =>
    runStatement(lease.connection, text, params, timeout_ms, options);
  // Neither is awaited: they go in front of the first statement of `fn`, in the same write. Should the context fail, all that
  // follows fails with 25P02; the handlers below keep the real error, and keep it from becoming an unhandled rejection.
  const opened = settle(run('begin', []));
  const context = settle(run(context_text, context_params));
  let dead = false;
  try {
    const result = await fn(transaction(run, context));
    rethrow(await opened);
    rethrow(await context);
    // COMMIT of a failed transaction resolves; only its tag says ROLLBACK.
    const commit = await run('commit', []);
    if (commit.command !== 'COMMIT') throw new Error('the transaction had failed, and its error was swallowed');
    return result;
  } catch (error) {
    const cause = (await opened) ?? (await context) ?? error;
    dead = isDead(cause) || isDead(error) || !(await rolledBack(run));
    throw cause;
  } finally {
    if (dead) lease.abandon(began);
    else lease.release();
  }
}

const isDead = (error: unknown): boolean => error instanceof DbUnavailableError && error.reason === 'deadline';

const settle = (promise: Promise<unknown>): Promise<Error | undefined> =>
  promise.then(
    () => undefined,
    (error: unknown) => error as Error,
  );

function rethrow(error: Error | undefined): void {
  if (error) throw error;
}

async function rolledBack(run: Run): Promise<boolean> {
  return (await settle(run('rollback', []))) === undefined;
}

type Run = (text: string, params: readonly unknown[], timeout_ms?: number, options?: StatementOptions) => Promise<Rows>;

function transaction(run: Run, context: Promise<Error | undefined>): Tx {
  const guarded: Run = async (...args) => {
    try {
      return await run(...args);
    } catch (error) {
      if (isDead(error)) throw error;
      throw (await context) ?? error;
    }
  };
  return new LeasedTx(guarded);
}

/** A class because of its getter: in an object literal each would be a hidden class of its own, made in old space. */
class LeasedTx implements Tx {
  readonly #run: Run;
  #orm: PostgresJsDatabase | undefined;

  constructor(run: Run) {
    this.#run = run;
  }

  async call<T>(text: string, params: readonly unknown[] = [], options: { timeout_ms?: number } = {}): Promise<T[]> {
    return (await this.#run(text, params, options.timeout_ms)) as T[];
  }

  get orm(): PostgresJsDatabase {
    return (this.#orm ??= drizzle({ client: drizzleClient(this.#run) }));
  }
}

/**
 * Just enough of a postgres.js client for drizzle. It gets option tables of its own, because it overwrites parsers in those
 * it is given; its queries run under our deadline and prepared, not unprepared with a second round trip.
 */
function drizzleClient(run: Run): postgres.Sql {
  const client = {
    options: { parsers: {}, serializers: {} },
    unsafe: (text: string, params: unknown[]) => ({
      then: (resolve: (rows: Rows) => unknown, reject: (error: unknown) => unknown) =>
        run(text, params).then(resolve, reject),
      values: () => run(text, params, undefined, { as_arrays: true }),
    }),
  };
  return client as unknown as postgres.Sql;
}
