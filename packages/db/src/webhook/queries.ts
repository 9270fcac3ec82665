import { callOne, type Queryable } from '../client.ts';

export type WebhookStatus = 'enabled' | 'disabled';
export type DeliveryStatus = 'pending' | 'delivered' | 'failed';
export type DisabledReason = 'manual' | 'gone' | 'failing' | 'creator_left';

export interface WebhookRow {
  id: string;
  workspace_id: string;
  url: string;
  description: string;
  event_types: string[];
  status: WebhookStatus;
  disabled_reason: DisabledReason | null;
  disabled_at: string | null;
  consecutive_failures: number;
  failing_since: string | null;
  /** Null: only the secret that is signs. */
  previous_secret_expires_at: string | null;
  created_by: string;
  created_at: string;
  updated_at: string;
}

export interface DeliveryRow {
  id: string;
  webhook_id: string;
  event_type: string;
  status: DeliveryStatus;
  attempts: number;
  next_attempt_at: string | null;
  last_attempt_at: string | null;
  last_status: number | null;
  last_latency_ms: number | null;
  last_error: string | null;
  created_at: string;
}

export type DeliveryDetailRow = DeliveryRow & { payload: Record<string, unknown>; response_excerpt: string | null };

interface WorkspaceScope {
  user_id: string;
  workspace_id: string;
}
type WebhookScope = WorkspaceScope & { webhook_id: string };
type DeliveryScope = WebhookScope & { delivery_id: string };

const answer = async <T>(db: Queryable, text: string, params: readonly unknown[]): Promise<T> =>
  (await callOne<{ answer: T }>(db, text, params)).answer;

export interface NewWebhook extends WebhookScope {
  url: string;
  description: string;
  event_types: readonly string[];
  /** Sealed. */
  secret: string;
  /** Webhooks that a workspace may have. */
  limit: number;
  request_id: string;
}

/** All of these throw `workspace.not_found`, and `workspace.forbidden` below admin. This one `webhook.too_many`. */
export function createWebhook(db: Queryable, input: NewWebhook): Promise<WebhookRow> {
  return answer(db, 'select app.create_webhook($1, $2, $3, $4, $5, $6, $7, $8, $9) as answer', [
    input.user_id,
    input.workspace_id,
    input.webhook_id,
    input.url,
    input.description,
    input.event_types,
    input.secret,
    input.limit,
    input.request_id,
  ]);
}

/** Throws `webhook.not_found`, as do those below. */
export function getWebhook(db: Queryable, { user_id, workspace_id, webhook_id }: WebhookScope): Promise<WebhookRow> {
  return answer(db, 'select app.get_webhook($1, $2, $3) as answer', [user_id, workspace_id, webhook_id]);
}

export function listWebhooks(db: Queryable, { user_id, workspace_id }: WorkspaceScope): Promise<WebhookRow[]> {
  return answer(db, 'select app.list_webhooks($1, $2) as answer', [user_id, workspace_id]);
}

export function updateWebhook(
  db: Queryable,
  input: WebhookScope & {
    changes: { url?: string; description?: string; event_types?: string[]; status?: WebhookStatus };
    request_id: string;
  },
): Promise<WebhookRow> {
  const { user_id, workspace_id, webhook_id, changes, request_id } = input;
  const params = [user_id, workspace_id, webhook_id, changes, request_id];
  return answer(db, 'select app.update_webhook($1, $2, $3, $4, $5) as answer', params);
}

export async function deleteWebhook(db: Queryable, input: WebhookScope & { request_id: string }): Promise<void> {
  const params = [input.user_id, input.workspace_id, input.webhook_id, input.request_id];
  await db.call('select app.delete_webhook($1, $2, $3, $4)', params);
}

export function rotateWebhookSecret(
  db: Queryable,
  input: WebhookScope & { secret: string; overlap_ms: number; request_id: string },
): Promise<WebhookRow> {
  const { user_id, workspace_id, webhook_id, secret, overlap_ms, request_id } = input;
  return answer(db, `select app.rotate_webhook_secret($1, $2, $3, $4, $5 * interval '1 ms', $6) as answer`, [
    user_id,
    workspace_id,
    webhook_id,
    secret,
    overlap_ms,
    request_id,
  ]);
}

/** Throws `webhook.disabled`. */
export function testWebhook(db: Queryable, input: WebhookScope & { request_id: string }): Promise<DeliveryRow> {
  const params = [input.user_id, input.workspace_id, input.webhook_id, input.request_id];
  return answer(db, 'select app.test_webhook($1, $2, $3, $4) as answer', params);
}

export function listWebhookDeliveries(
  db: Queryable,
  input: WebhookScope & {
    status?: DeliveryStatus | undefined;
    event_type?: string | undefined;
    before_id?: string | undefined;
    limit: number;
  },
): Promise<DeliveryRow[]> {
  return answer(db, 'select app.list_webhook_deliveries($1, $2, $3, $4, $5, $6, $7) as answer', [
    input.user_id,
    input.workspace_id,
    input.webhook_id,
    input.status ?? null,
    input.event_type ?? null,
    input.before_id ?? null,
    input.limit,
  ]);
}

/** Throws `webhook.delivery_not_found`. */
export function getWebhookDelivery(db: Queryable, input: DeliveryScope): Promise<DeliveryDetailRow> {
  const params = [input.user_id, input.workspace_id, input.webhook_id, input.delivery_id];
  return answer(db, 'select app.get_webhook_delivery($1, $2, $3, $4) as answer', params);
}

/** Throws `webhook.delivery_not_found`, `webhook.disabled`. */
export function redeliverWebhook(db: Queryable, input: DeliveryScope & { request_id: string }): Promise<DeliveryRow> {
  const params = [input.user_id, input.workspace_id, input.webhook_id, input.delivery_id, input.request_id];
  return answer(db, 'select app.redeliver_webhook($1, $2, $3, $4, $5) as answer', params);
}

export interface DueDelivery {
  /** The `webhook-id` of every attempt. */
  id: string;
  event_type: string;
  body: string;
  /** Attempts so far. */
  attempts: number;
  /** Those of the schedule at hand. */
  step: number;
}

export type TakenDeliveries =
  | { state: 'idle' | 'more' | 'held' | 'gone' }
  | {
      state: 'work';
      workspace_id: string;
      url: string;
      /** Sealed, as the one before. */
      secret: string;
      previous_secret: string | null;
      deliveries: DueDelivery[];
    };

/** As job_user, as those below. What is due for an endpoint, under a lease that `holder` takes or extends. */
export function takeWebhookDeliveries(
  db: Queryable,
  { webhook_id, holder, limit, lease_ms }: { webhook_id: string; holder: string; limit: number; lease_ms: number },
): Promise<TakenDeliveries> {
  const params = [webhook_id, holder, limit, lease_ms];
  return answer(db, `select app.take_webhook_deliveries($1, $2, $3, $4 * interval '1 ms') as answer`, params);
}

/** Lets go of the lease, and has the rest done behind what others wait for. */
export async function yieldWebhook(db: Queryable, input: { webhook_id: string; holder: string }): Promise<void> {
  await db.call('select app.yield_webhook($1, $2)', [input.webhook_id, input.holder]);
}

export interface AttemptRecord {
  delivery_id: string;
  /** 1 for the first. */
  attempt: number;
  ok: boolean;
  status: number | null;
  latency_ms: number;
  error: string | null;
  excerpt: string | null;
  /** Null: no further attempt. */
  retry_in_ms: number | null;
  /** The endpoint wants no more. */
  gone: boolean;
  max_failures: number;
  max_failing_ms: number;
  request_id: string;
}

/** Null: it was recorded before, or nobody waits for it any more. `disabled`: why the endpoint was, just now. */
export function recordWebhookAttempt(
  db: Queryable,
  a: AttemptRecord,
): Promise<{ status: DeliveryStatus; disabled?: DisabledReason | null } | null> {
  const text = `select app.record_webhook_attempt($1, $2, $3, $4, $5, $6, $7, $8 * interval '1 ms', $9, $10, $11 * interval '1 ms', $12)
    as answer`;
  return answer(db, text, [
    a.delivery_id,
    a.attempt,
    a.ok,
    a.status,
    a.latency_ms,
    a.error,
    a.excerpt,
    a.retry_in_ms,
    a.gone,
    a.max_failures,
    a.max_failing_ms,
    a.request_id,
  ]);
}

/** Has endpoints looked at whose deliveries are late by `late_ms` and nobody's; how many. */
export function sweepWebhooks(db: Queryable, input: { late_ms: number; limit: number }): Promise<number> {
  const params = [input.late_ms, input.limit];
  return answer(db, `select app.sweep_webhooks($1 * interval '1 ms', $2) as answer`, params);
}

/** Deletes the log of an endpoint that is deleted, up to `limit` rows; how many it was. */
export function forgetWebhook(
  db: Queryable,
  input: { workspace_id: string; webhook_id: string; limit: number },
): Promise<number> {
  return answer(db, 'select app.forget_webhook($1, $2, $3) as answer', [
    input.workspace_id,
    input.webhook_id,
    input.limit,
  ]);
}

/** Deletes up to `limit` deliveries made before `before`; how many it was. */
export function forgetWebhookDeliveries(db: Queryable, input: { before: string; limit: number }): Promise<number> {
  return answer(db, 'select app.forget_webhook_deliveries($1, $2) as answer', [input.before, input.limit]);
}

export interface WebhookDisabledMail {
  email: string;
  locale: string;
  url: string;
  workspace_id: string;
  workspace_name: string;
  reason: Exclude<DisabledReason, 'manual'>;
}

/** What a mail to one admin about a disabled endpoint says; null when there is nothing to say to them any more. */
export async function getWebhookDisabledMail(
  db: Queryable,
  { webhook_id, user_id }: { webhook_id: string; user_id: string },
): Promise<WebhookDisabledMail | null> {
  const text = 'select * from app.get_webhook_disabled_mail($1, $2)';
  const [row] = await db.call<WebhookDisabledMail>(text, [webhook_id, user_id]);
  return row ?? null;
}
