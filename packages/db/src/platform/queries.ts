import type { HealthRow } from '@potentia/config/health';
import type { Queryable } from '../client.ts';
import { callOne } from '../client.ts';
import type { Tx } from '../context.ts';

export interface IdempotencyClaim {
  user_id: string;
  key: string;
  operation: string;
  request_hash: string;
}

export interface KnownIdempotencyKey {
  operation: string;
  request_hash: string;
  result: unknown;
}

/**
 * Claims a key in the transaction of the work itself. Null: it is ours. Else what it was used for, and the result; a claim at
 * the same time waits for the other transaction first. A rollback gives the key back; a day later it is free again.
 */
export async function claimIdempotencyKey(tx: Tx, claim: IdempotencyClaim): Promise<KnownIdempotencyKey | null> {
  const [known] = await tx.call<KnownIdempotencyKey>('select * from app.claim_idempotency_key($1, $2, $3, $4)', [
    claim.user_id,
    claim.key,
    claim.operation,
    claim.request_hash,
  ]);
  return known ?? null;
}

/** What a later call with the same key will be answered. */
export async function storeIdempotentResult(
  tx: Tx,
  { user_id, key, result }: Pick<IdempotencyClaim, 'user_id' | 'key'> & { result: unknown },
): Promise<void> {
  await tx.call('update app.idempotency_keys set result = $3 where user_id = $1 and key = $2', [
    user_id,
    key,
    JSON.stringify(result ?? null),
  ]);
}

/** Forgets rows that are kept for a time, at most `limit` of each kind; how many it was of each. As job_user. */
export async function forgetOldRows(db: Queryable, limit: number): Promise<Record<string, number>> {
  const { counts } = await callOne<{ counts: Record<string, number> }>(db, 'select app.forget_old_rows($1) as counts', [
    limit,
  ]);
  return counts;
}

export interface OutboxRow {
  id: string;
  topic: string;
  workspace_id: string | null;
  user_id: string | null;
  payload: unknown;
  traceparent: string | null;
  request_id: string | null;
  created_at: string;
}

/** Locks due rows for the transaction, oldest first, passing over those that another relay holds. */
export function takeOutbox(
  tx: Tx,
  { topics, limit }: { topics: readonly string[]; limit: number },
): Promise<OutboxRow[]> {
  return tx.call<OutboxRow>(
    `select id, topic, workspace_id, user_id, payload, traceparent, request_id, created_at
     from app.outbox where available_at <= now() and topic = any ($1)
     order by available_at, id limit $2 for update skip locked`,
    [topics, limit],
  );
}

/** Forgets rows that have been handed on. */
export async function deleteOutbox(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.call('delete from app.outbox where id = any ($1)', [ids]);
}

/** Rows that are due and still here, and the age in ms of the oldest. */
export function getOutboxStats(db: Queryable): Promise<{ rows: number; oldest_age_ms: number }> {
  return callOne(
    db,
    `select count(*) as rows,
       coalesce(extract(epoch from now() - min(available_at)) * 1000, 0)::bigint as oldest_age_ms
     from app.outbox where available_at <= now()`,
    [],
  );
}

export interface UserEventInput {
  user_id: string;
  /** The outbox row it comes from: however often it is appended, there is one event. */
  outbox_id: string;
  type: string;
  payload: object;
}

export interface AppendedUserEvent {
  seq: number;
  epoch: string;
  created_at: string;
  is_new: boolean;
  /** The event as clients get it. */
  frame: string;
}

/** Takes the person's next seq. As job_user. Throws `user.not_found`. */
export function appendUserEvent(db: Queryable, event: UserEventInput): Promise<AppendedUserEvent> {
  return callOne(db, 'select * from app.append_user_event($1, $2, $3, $4)', [
    event.user_id,
    event.outbox_id,
    event.type,
    event.payload,
  ]);
}

/** A service's report on itself, one row per replica. */
export async function writeSystemHealth(db: Queryable, row: HealthRow): Promise<void> {
  await db.call('select app.report_health($1)', [row]);
}
