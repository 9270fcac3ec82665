import { callOne, type Queryable } from '../client.ts';

export interface TakenLease {
  /** Of the log that begins with this opening. */
  epoch: number;
  /** Sealed, in base64; null: never paired, or logged out. */
  creds: string | null;
  kid: string | null;
  /** Signal keys are there: creds that are absent beside them were lost. */
  has_keys: boolean;
  status: string;
  phone: string | null;
  lid: string | null;
  linked_at: string | null;
  settings: Record<string, unknown>;
  restricted_until: string | null;
  changed_at: string;
}

export interface LeaseHolder {
  session_id: string;
  worker_id: string;
  generation: number;
}

/** `settings` null: as they were. Raises `lease.lost` when the generation is older than the one that stands. */
export async function takeLease(
  db: Queryable,
  { session_id, worker_id, generation }: LeaseHolder,
  lease_ms: number,
  settings: object | null,
): Promise<TakenLease> {
  const text = 'select wa.take_lease($1, $2, $3, $4, $5) as lease';
  const params = [session_id, worker_id, generation, lease_ms, settings];
  return (await callOne<{ lease: TakenLease }>(db, text, params)).lease;
}

/** Prolongs what the worker still holds; what is missing was lost. */
export const renewLeases = (
  db: Queryable,
  worker_id: string,
  lease_ms: number,
): Promise<{ session_id: string; generation: number }[]> =>
  db.call('select * from wa.renew_leases($1, $2)', [worker_id, lease_ms]);

/** False: it was not this worker's any more. */
export async function releaseLease(
  db: Queryable,
  { session_id, worker_id, generation }: LeaseHolder,
): Promise<boolean> {
  const text = 'select wa.release_lease($1, $2, $3) as released';
  return (await callOne<{ released: boolean }>(db, text, [session_id, worker_id, generation])).released;
}

export interface LogGroup {
  epoch: number;
  /** Grows with each group of an epoch; a group that is repeated keeps its own. */
  position: number;
  /** Three lists side by side; a value is sealed, in base64, and null where the key is gone. */
  types: string[];
  ids: string[];
  values: (string | null)[];
  /** Sealed, in base64; null: unchanged. */
  creds: string | null;
  kid: string;
  batch: { session?: object; inbound?: unknown[]; statuses?: unknown[] };
}

/** A group after an outage of some seconds is large. */
const COMMIT_TIMEOUT_MS = 5_000;

/** What the parts of a group answered. */
export interface CommitAnswer {
  inbound?: unknown[];
  statuses?: unknown[];
}

/** Writes a group of a session's log, all or nothing. Raises `lease.lost`. */
export async function commitLog(db: Queryable, holder: LeaseHolder, group: LogGroup): Promise<CommitAnswer> {
  const { session_id, worker_id, generation } = holder;
  const { epoch, position, types, ids, values, creds, kid, batch } = group;
  const text = 'select wa.commit_log($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) as answer';
  const params = [session_id, worker_id, generation, epoch, position, types, ids, values, creds, kid, batch];
  return (await callOne<{ answer: CommitAnswer }>(db, text, params, { timeout_ms: COMMIT_TIMEOUT_MS })).answer;
}

export interface SealedKey {
  id: string;
  /** In base64. */
  value: string;
  kid: string;
}

export const readKeys = (
  db: Queryable,
  session_id: string,
  type: string,
  ids: readonly string[],
): Promise<SealedKey[]> => db.call('select * from wa.read_keys($1, $2, $3)', [session_id, type, ids]);

/** After a logout: the device is forgotten, and its keys are worth nothing. Raises `lease.lost`. */
export async function forgetKeys(db: Queryable, { session_id, worker_id, generation }: LeaseHolder): Promise<void> {
  await db.call('select wa.forget_keys($1, $2, $3)', [session_id, worker_id, generation]);
}
