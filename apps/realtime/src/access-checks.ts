import { setImmediate as nextTurn } from 'node:timers/promises';
import { type CanvasRoleRow, getCanvasRoles } from '@potentia/db/canvas/queries';
import type { Db } from '@potentia/db/client';
import type { HubMetrics } from './metrics.ts';
import type { Semaphore } from './semaphore.ts';

/** Pairs of a person and a canvas that one query asks for. */
const MAX_PAIRS = 5_000;

export interface AccessChecksDeps {
  db: Db;
  reads: Semaphore;
  metrics: Pick<HubMetrics, 'access_checks'>;
}

/** What people may do on one canvas, by their ids. Empty: the canvas is gone. */
export type CanvasAccess = ReadonlyMap<string, CanvasRoleRow>;

interface Batch {
  pairs: { user_id: string; canvas_id: string }[];
  answer: Promise<Map<string, Map<string, CanvasRoleRow>>>;
}

const NOBODY: CanvasAccess = new Map();

/**
 * Reads access again for those who have open sockets. What all rooms ask in one turn, as after a change that concerns a
 * whole workspace, is one query.
 */
export class AccessChecks {
  readonly #deps: AccessChecksDeps;
  /** Takes pairs until its query is sent. */
  #open: Batch | undefined;

  constructor(deps: AccessChecksDeps) {
    this.#deps = deps;
  }

  /** The access of these people to a canvas, as of no earlier than this call. Rejects when Postgres does not answer. */
  async read(canvas_id: string, user_ids: Iterable<string>): Promise<CanvasAccess> {
    if (this.#open === undefined || this.#open.pairs.length >= MAX_PAIRS) this.#open = this.#begin();
    const batch = this.#open;
    for (const user_id of user_ids) batch.pairs.push({ user_id, canvas_id });
    return (await batch.answer).get(canvas_id) ?? NOBODY;
  }

  #begin(): Batch {
    const batch: Batch = {
      pairs: [],
      answer: nextTurn().then(() =>
        this.#deps.reads.run(() => {
          if (this.#open === batch) this.#open = undefined;
          return this.#ask(batch.pairs);
        }),
      ),
    };
    return batch;
  }

  async #ask(pairs: Batch['pairs']): Batch['answer'] {
    const { db, metrics } = this.#deps;
    metrics.access_checks.inc();
    const by_canvas = new Map<string, Map<string, CanvasRoleRow>>();
    for (const row of await getCanvasRoles(db, pairs)) {
      const people = by_canvas.get(row.canvas_id) ?? new Map<string, CanvasRoleRow>();
      by_canvas.set(row.canvas_id, people.set(row.user_id, row));
    }
    return by_canvas;
  }
}
