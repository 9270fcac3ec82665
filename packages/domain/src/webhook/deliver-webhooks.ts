import {
  type AttemptRecord,
  type DisabledReason,
  type DueDelivery,
  forgetWebhook,
  recordWebhookAttempt,
  type TakenDeliveries,
  takeWebhookDeliveries,
  yieldWebhook,
} from '@potentia/db/webhook/queries';
import type { z } from 'zod';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { type OutboxJob, publishOutboxHint } from '../platform/outbox.ts';
import type { Sealer } from '../platform/seal.ts';
import { retryDelay } from './rules/schedule.ts';
import { signedHeaders } from './rules/signature.ts';
import type { deliverWebhooksPayload } from './schemas.ts';
import { openSecret } from './sealed-secret.ts';
import type { WebhookAnswer, WebhookSender } from './sender.ts';

/** The outbox topic: something may be due for an endpoint. */
export const WEBHOOK_DELIVER = 'webhook.deliver';

export type Outcome = 'delivered' | 'retry' | 'failed';

export interface WebhookDelivery {
  sender: WebhookSender;
  retry_delays_ms: readonly number[];
  /** Told of each attempt. */
  observeAttempt(outcome: Outcome, latency_ms: number): void;
  observeDisabled(reason: DisabledReason): void;
}

export type DeliverCtx = Pick<Ctx, 'db' | 'bus' | 'log' | 'request_id' | 'clock'> & {
  sealer: Sealer;
  webhooks: WebhookDelivery;
};

/** Requests to one endpoint at a time. */
const PARALLEL = 8;
/** How long a job stays with one endpoint that has more to do, before others have their turn. */
const TURN_MS = 10_000;
/** Longer than a turn and the attempt at its end: only a holder that died is late. */
const LEASE_MS = 60_000;
const FORGET_BATCH = 2_000;
/** An endpoint is disabled after so many failures in a row over so long, though no message has run out of attempts yet. */
const MAX_FAILURES = 100;
const MAX_FAILING_MS = 24 * 3_600_000;

/**
 * Sends what is due for one endpoint, each message at least once and under one `webhook-id`, until nothing is due or the
 * turn is over. One job at a time is with an endpoint, whichever process it runs in, so that one which answers slowly
 * keeps one job busy and nobody else waiting. What became of an attempt is recorded together with the outbox row of the
 * next; an attempt that was under way when the process died is made again.
 */
export async function deliverWebhooks(
  ctx: DeliverCtx,
  { outbox_id, payload }: OutboxJob<z.infer<typeof deliverWebhooksPayload>>,
): Promise<void> {
  const { workspace_id, webhook_id } = payload;
  const ends_at = performance.now() + TURN_MS;
  while (performance.now() < ends_at) {
    const taken = await fromDb(() =>
      takeWebhookDeliveries(ctx.db, { webhook_id, holder: outbox_id, limit: PARALLEL, lease_ms: LEASE_MS }),
    );
    switch (taken.state) {
      case 'idle':
      case 'held':
        return;
      case 'gone':
        if ((await fromDb(() => forgetWebhook(ctx.db, { workspace_id, webhook_id, limit: FORGET_BATCH }))) === 0)
          return;
        continue;
      case 'more':
        continue;
      case 'work':
        await attemptAll(ctx, webhook_id, taken);
    }
  }
  await fromDb(() => yieldWebhook(ctx.db, { webhook_id, holder: outbox_id }));
  publishOutboxHint(ctx);
}

type Work = Extract<TakenDeliveries, { state: 'work' }>;

async function attemptAll(ctx: DeliverCtx, webhook_id: string, { url, deliveries, ...sealed }: Work): Promise<void> {
  const open = (secret: string): string => openSecret(ctx.sealer, webhook_id, secret);
  const secrets: [string, ...string[]] = [open(sealed.secret)];
  if (sealed.previous_secret !== null) secrets.push(open(sealed.previous_secret));
  // All are recorded before any failure of ours ends the job: what was answered is known.
  const results = await Promise.allSettled(deliveries.map((delivery) => attempt(ctx, url, secrets, delivery)));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

async function attempt(
  ctx: DeliverCtx,
  url: string,
  secrets: readonly [string, ...string[]],
  delivery: DueDelivery,
): Promise<void> {
  const { id, body } = delivery;
  const timestamp = Math.floor(ctx.clock().getTime() / 1_000);
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'Potentia-Webhooks/1',
    ...signedHeaders({ id, timestamp, body }, secrets),
  };
  const answer = await ctx.webhooks.sender.send({ url, headers, body });
  const record = judge(ctx, delivery, answer);
  const recorded = await fromDb(() => recordWebhookAttempt(ctx.db, record));
  const outcome = record.ok ? 'delivered' : record.retry_in_ms === null || record.gone ? 'failed' : 'retry';
  ctx.webhooks.observeAttempt(outcome, answer.latency_ms);
  if (recorded?.disabled) {
    ctx.webhooks.observeDisabled(recorded.disabled);
    ctx.log.warn({ delivery_id: id, reason: recorded.disabled }, 'webhook is disabled');
  }
}

/** What an answer means: 2xx is success, 410 the end, 429 and 503 may say when to come again, a redirect is a failure. */
function judge(ctx: DeliverCtx, { id, attempts, step }: DueDelivery, answer: WebhookAnswer): AttemptRecord {
  const { status, latency_ms, excerpt } = answer;
  const ok = status !== null && status >= 200 && status < 300;
  const asked = status === 429 || status === 503 ? answer.retry_after_ms : undefined;
  return {
    delivery_id: id,
    attempt: attempts + 1,
    ok,
    status,
    latency_ms,
    error: ok ? null : (answer.error ?? `The endpoint answered ${status}`),
    excerpt,
    retry_in_ms: retryDelay({ step: step + 1, retry_after_ms: asked }, ctx.webhooks.retry_delays_ms, Math.random()),
    gone: status === 410,
    max_failures: MAX_FAILURES,
    max_failing_ms: MAX_FAILING_MS,
    request_id: ctx.request_id,
  };
}
