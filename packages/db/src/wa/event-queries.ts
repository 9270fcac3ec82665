import { callOne, type Queryable } from '../client.ts';

/** What the API is told of one thing that happened. */
export interface EventItem {
  event_id: string;
  seq: number;
  created_at: string;
  request_id: string | null;
  traceparent: string | null;
  data: { session_id: string; generation: number };
}

/** The first events of a session that go out together. */
export interface ClaimedEvents {
  session_id: string;
  kind: string;
  /** Who held the session when they happened. */
  worker_id: string;
  /** Of the first of them, so far. */
  attempts: number;
  items: [EventItem, ...EventItem[]];
}

/**
 * Makes `holder` the one that sends the events of up to `sessions` sessions for `hold_ms`, and answers what is due of them: of
 * this worker's sessions first, then of those that nobody holds.
 */
export function claimEvents(
  db: Queryable,
  c: { worker_id: string; holder: string; sessions: number; batch: number; bytes: number; hold_ms: number },
): Promise<ClaimedEvents[]> {
  const text = 'select * from wa.claim_events($1, $2, $3, $4, $5, $6)';
  return db.call(text, [c.worker_id, c.holder, c.sessions, c.batch, c.bytes, c.hold_ms]);
}

export interface SettledEvents {
  session_id: string;
  holder: string;
  delivered: readonly string[];
  /** The first that was not delivered; null: none failed. */
  failed: { event_id: string; refused: boolean; error: string; delay_ms: number; max_refusals: number } | null;
}

/** Lets go of the session. True: what failed is dead now. */
export async function settleEvents(
  db: Queryable,
  { session_id, holder, delivered, failed }: SettledEvents,
): Promise<boolean> {
  const { event_id = null, refused = false, error = null, delay_ms = 0, max_refusals = 1 } = failed ?? {};
  const params = [session_id, holder, delivered, event_id, refused, error, delay_ms, max_refusals];
  const text = 'select wa.settle_events($1, $2, $3, $4, $5, $6, $7, $8) as dead';
  return (await callOne<{ dead: boolean }>(db, text, params)).dead;
}

export interface EventBacklog {
  waiting: number;
  oldest_at: string | null;
  dead: number;
}

/** Of all sessions. */
export function readEventBacklog(db: Queryable): Promise<EventBacklog> {
  return callOne(db, 'select * from wa.event_backlog()', []);
}

/** Puts at most `limit` totals that changed among the events; how many. */
export async function reportUsage(db: Queryable, limit: number): Promise<number> {
  return (await callOne<{ count: number }>(db, 'select wa.report_usage($1) as count', [limit])).count;
}

/** Deletes at most `limit` dead events that nobody sent again in two weeks; how many. */
export async function forgetDeadEvents(db: Queryable, limit: number): Promise<number> {
  return (await callOne<{ count: number }>(db, 'select wa.forget_dead_events($1) as count', [limit])).count;
}

/** An event that was given up, without what it says. */
export interface DeadEventRow {
  event_id: string;
  session_id: string;
  kind: string;
  attempts: number;
  refused: number;
  last_error: string | null;
  request_id: string | null;
  created_at: string;
  dead_at: string;
}

/** Newest first. */
export function listDeadEvents(
  db: Queryable,
  { after, limit }: { after: { dead_at: string; event_id: string } | null; limit: number },
): Promise<DeadEventRow[]> {
  const params = [after?.dead_at ?? null, after?.event_id ?? null, limit];
  return db.call('select * from wa.list_dead_events($1, $2, $3)', params);
}

/** Has dead events sent again, at most `limit`, those that are named or the oldest; how many. */
export async function redriveEvents(
  db: Queryable,
  { event_ids, limit }: { event_ids: readonly string[] | null; limit: number },
): Promise<number> {
  const text = 'select wa.redrive_events($1, $2) as count';
  return (await callOne<{ count: number }>(db, text, [event_ids, limit])).count;
}
