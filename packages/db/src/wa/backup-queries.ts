import { callOne, type Queryable } from '../client.ts';
import type { LeaseHolder } from './state-queries.ts';

/** A sealed value and its place; type `creds`: the credentials. */
export interface SealedValue {
  type: string;
  id: string;
  /** In base64. */
  value: string;
  kid: string;
}

/** All of a session at once, which can be large. */
const BIG_TIMEOUT_MS = 8_000;

export const readSealedWith = (
  db: Queryable,
  kids: readonly string[],
  limit: number,
): Promise<(SealedValue & { session_id: string })[]> =>
  db.call('select * from wa.read_sealed_with($1, $2)', [kids, limit], { timeout_ms: BIG_TIMEOUT_MS });

/** How many were still as they had been read. */
export async function resealKeys(
  db: Queryable,
  rows: readonly { session_id: string; type: string; id: string; before: string; value: string }[],
  kid: string,
): Promise<number> {
  const column = (name: keyof (typeof rows)[number]) => rows.map((row) => row[name]);
  const params = [column('session_id'), column('type'), column('id'), column('before'), column('value'), kid];
  const text = 'select wa.reseal_keys($1, $2, $3, $4, $5, $6) as count';
  return (await callOne<{ count: number }>(db, text, params, { timeout_ms: BIG_TIMEOUT_MS })).count;
}

export const readBackup = (db: Queryable, session_id: string): Promise<SealedValue[]> =>
  db.call('select * from wa.read_backup($1)', [session_id], { timeout_ms: BIG_TIMEOUT_MS });

/** The objects that are not kept any more. Raises `lease.lost`. */
export async function recordBackup(
  db: Queryable,
  { session_id, worker_id, generation }: LeaseHolder,
  { object_key, size, keep }: { object_key: string; size: number; keep: number },
): Promise<string[]> {
  const params = [session_id, worker_id, generation, object_key, size, keep];
  const rows = await db.call<{ object_key: string }>('select * from wa.record_backup($1, $2, $3, $4, $5, $6)', params);
  return rows.map((row) => row.object_key);
}

export const listBackups = (
  db: Queryable,
  session_id: string,
): Promise<{ object_key: string; size: number; created_at: string }[]> =>
  db.call('select * from wa.list_backups($1)', [session_id]);

/** Raises `lease.lost` and `worker.credentials_present`. */
export async function restoreBackup(
  db: Queryable,
  { session_id, worker_id, generation }: LeaseHolder,
  creds: SealedValue,
  keys: readonly SealedValue[],
): Promise<void> {
  const column = (name: keyof SealedValue) => keys.map((key) => key[name]);
  const lists = [column('type'), column('id'), column('value'), column('kid')];
  const params = [session_id, worker_id, generation, creds.value, creds.kid, ...lists];
  const text = 'select wa.restore_backup($1, $2, $3, $4, $5, $6, $7, $8, $9)';
  await db.call(text, params, { timeout_ms: BIG_TIMEOUT_MS });
}
