import { setImmediate } from 'node:timers/promises';
import type { Db } from '@potentia/db/client';
import { type OutboxRow, readOutbox } from '@potentia/db/wa/outbox-queries';

/** Rows that are read ahead, of one session. */
const MAX_KEPT = 200;

/** Reads rows of the outbox, many with one statement: those that are wanted in one turn of the loop, and what follows them. */
export class RowReader {
  readonly #db: Db;
  readonly #session_id: string;
  readonly #kept = new Map<string, OutboxRow>();
  #wanted = new Set<string>();
  #batch: Promise<Map<string, OutboxRow>> | null = null;

  constructor(db: Db, session_id: string) {
    this.#db = db;
    this.#session_id = session_id;
  }

  /** Undefined: it is not to be sent any more. `following`: what will be wanted next. */
  async read(id: string, following: readonly string[]): Promise<OutboxRow | undefined> {
    const kept = this.#kept.get(id);
    if (kept) {
      this.#kept.delete(id);
      return kept;
    }
    this.#wanted.add(id);
    if (this.#kept.size < MAX_KEPT) for (const next of following) this.#wanted.add(next);
    // The end of the turn: chats side by side come to their next messages within one.
    this.#batch ??= setImmediate().then(() => this.#load());
    const row = (await this.#batch).get(id);
    this.#kept.delete(id);
    return row;
  }

  /** As it is now, whatever was read ahead. */
  async readAgain(id: string): Promise<OutboxRow | undefined> {
    this.#kept.delete(id);
    const [row] = await readOutbox(this.#db, this.#session_id, [id]);
    return row;
  }

  /** What was read ahead may be wrong by now. */
  forget(): void {
    this.#kept.clear();
  }

  async #load(): Promise<Map<string, OutboxRow>> {
    const ids = [...this.#wanted];
    this.#wanted = new Set();
    this.#batch = null;
    const rows = await readOutbox(this.#db, this.#session_id, ids);
    for (const row of rows) this.#kept.set(row.id, row);
    return new Map(rows.map((row) => [row.id, row]));
  }
}
