import type { Ctx } from './ctx.ts';

/** Where whoever committed an outbox row says so. */
export const OUTBOX_HINT_CHANNEL = 'outbox:hint';

/** Wakes the outbox relay, which looks once a second anyway. To be called after the commit. */
export function publishOutboxHint({ bus }: Pick<Ctx, 'bus'>): void {
  bus.publish(OUTBOX_HINT_CHANNEL, { kind: 'hint', frame: '' });
}

/**
 * What a queue carries: an outbox row on its way. A job can run more than once (a process dies between its work and the
 * word that it is done), so whoever handles it must make `outbox_id` count once, in Postgres.
 */
export interface OutboxJob<Payload = unknown> {
  outbox_id: string;
  workspace_id: string | null;
  user_id: string | null;
  payload: Payload;
  traceparent: string | null;
  request_id: string | null;
  created_at: string;
}
