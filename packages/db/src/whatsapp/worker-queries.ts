import { callOne, type Queryable } from '../client.ts';
import type { DesiredState, SessionLogin, SessionRoute } from './session-queries.ts';

const answer = async <T>(db: Queryable, text: string, params: readonly unknown[]): Promise<T> =>
  (await callOne<{ answer: T }>(db, text, params)).answer;

export interface WorkerRow {
  id: string;
  name: string;
  url: string;
  version: string;
  status: 'alive' | 'draining' | 'dead';
  /** By its beats, at this moment. */
  health: 'good' | 'late' | 'dead';
  capacity: number;
  /** As it said last. */
  sessions: number;
  load: Record<string, number>;
  heartbeat_ms: number;
  heartbeat_at: string;
  registered_at: string;
}

export interface NewWorker {
  worker_id: string;
  name: string;
  url: string;
  version: string;
  capacity: number;
  heartbeat_ms: number;
  request_id: string;
}

/** `orphans`: sessions that a process of this name held before. */
export function registerWhatsappWorker(
  db: Queryable,
  input: NewWorker,
): Promise<{ worker_id: string; heartbeat_ms: number; orphans: number }> {
  const { worker_id, name, url, version, capacity, heartbeat_ms, request_id } = input;
  return answer(db, 'select app.register_whatsapp_worker($1, $2, $3, $4, $5, $6, $7) as answer', [
    worker_id,
    name,
    url,
    version,
    capacity,
    heartbeat_ms,
    request_id,
  ]);
}

export interface HeldSession {
  session_id: string;
  generation: number;
  status: string;
}

/** Throws `worker.unknown`. `lost`: sessions that are another's. `woken`: how many it should hold and does not. */
export function beatWhatsappWorker(
  db: Queryable,
  input: {
    worker_id: string;
    sessions: number;
    load: Record<string, number>;
    status: 'alive' | 'draining';
    held: readonly HeldSession[];
    request_id: string;
  },
): Promise<{ ok: true; lost: string[]; woken: number }> {
  const { worker_id, sessions, load, status, held, request_id } = input;
  const params = [worker_id, sessions, load, status, held, request_id];
  return answer(db, 'select app.beat_whatsapp_worker($1, $2, $3, $4, $5, $6) as answer', params);
}

/** Throws `worker.not_found`. */
export function drainWhatsappWorker(
  db: Queryable,
  { worker_id, request_id }: { worker_id: string; request_id: string },
): Promise<WorkerRow> {
  return answer(db, 'select app.drain_whatsapp_worker($1, $2) as answer', [worker_id, request_id]);
}

/** By name; `placed`: sessions that are to be on it. */
export function listWhatsappWorkers(db: Queryable): Promise<(WorkerRow & { placed: number })[]> {
  return answer(db, 'select app.list_whatsapp_workers() as answer', []);
}

/** Where a session was put, and what is wanted of it. */
export interface Placement {
  /** `placed` by this call, `kept` where it was, `waiting` for a worker, `idle`: it needs none. */
  state: 'placed' | 'kept' | 'waiting' | 'idle';
  session_id: string;
  workspace_id: string;
  worker_id: string | null;
  url: string | null;
  /** `late`: it has missed three beats, and nobody has declared it dead yet. */
  worker_status: 'alive' | 'late' | 'draining' | 'dead' | null;
  generation: number;
  desired_state: DesiredState;
  intent: number;
  status: string;
  /** Nobody tries again before somebody asks for it. */
  is_ended: boolean;
  settings: Record<string, unknown>;
  login: SessionLogin | null;
}

/** As job_user, as those below. Null: there is no such session. */
export function placeWhatsappSession(
  db: Queryable,
  input: {
    session_id: string;
    /** Moves it away from where this decision put it, and only if that still stands. */
    from_generation?: number;
    /** Workers that it is not put on. */
    avoid?: readonly string[];
    prefer?: string | null;
  },
): Promise<Placement | null> {
  const { session_id, from_generation = null, avoid = [], prefer = null } = input;
  const params = [session_id, from_generation, avoid, prefer];
  return answer(db, 'select app.place_whatsapp_session($1, $2, $3, $4) as answer', params);
}

/** The worker that one more session would be put on; null: none is alive with room. */
export function chooseWhatsappWorker(
  db: Queryable,
  { avoid, prefer }: { avoid: readonly string[]; prefer: string | null },
): Promise<string | null> {
  return answer(db, 'select app.choose_whatsapp_worker($1, $2) as answer', [avoid, prefer]);
}

/** False: something else is wanted by now, or somebody else holds it. */
export function settleWhatsappSession(
  db: Queryable,
  input: { session_id: string; intent: number; generation: number; outcome: 'held' | 'free' | 'deleted' },
): Promise<boolean> {
  const { session_id, intent, generation, outcome } = input;
  const params = [session_id, intent, generation, outcome];
  return answer(db, 'select app.settle_whatsapp_session($1, $2, $3, $4) as answer', params);
}

/** Has it looked at again after `after_ms`. */
export async function postponeWhatsappSession(
  db: Queryable,
  input: { session_id: string; intent: number; reason: string; after_ms: number },
): Promise<void> {
  const params = [input.session_id, input.intent, input.reason, input.after_ms];
  await db.call(`select app.postpone_whatsapp_session($1, $2, $3, $4 * interval '1 ms')`, params);
}

/** Null: nobody holds it. */
export function findWhatsappRoute(db: Queryable, session_id: string): Promise<SessionRoute | null> {
  return answer(db, 'select app.find_whatsapp_route($1) as answer', [session_id]);
}

export interface GatewaySweep {
  /** Workers that were declared dead just now. */
  dead: { id: string; name: string }[];
  /** Sessions of theirs that wait for another. */
  orphans: number;
  /** Sessions that the jobs were told to see to. */
  woken: number;
}

export function sweepWhatsapp(
  db: Queryable,
  { limit, request_id }: { limit: number; request_id: string },
): Promise<GatewaySweep> {
  return answer(db, 'select app.sweep_whatsapp($1, $2) as answer', [limit, request_id]);
}

/** How many sessions were told to move. */
export function rebalanceWhatsapp(
  db: Queryable,
  { idle_ms, limit, request_id }: { idle_ms: number; limit: number; request_id: string },
): Promise<number> {
  const params = [idle_ms, limit, request_id];
  return answer(db, `select app.rebalance_whatsapp($1 * interval '1 ms', $2, $3) as answer`, params);
}

export interface GatewayCounts {
  /** By status. */
  workers: Record<string, number>;
  sessions: Record<string, number>;
  /** Sessions for which something is still to be done. */
  waiting: number;
}

export function countWhatsapp(db: Queryable): Promise<GatewayCounts> {
  return answer(db, 'select app.count_whatsapp() as answer', []);
}
