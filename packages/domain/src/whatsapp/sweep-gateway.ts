import { rebalanceWhatsapp, sweepWhatsapp } from '@potentia/db/whatsapp/worker-queries';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import type { PlacementMetrics } from './placement-ctx.ts';

/** The job that runs by itself every few seconds. */
export const WHATSAPP_SWEEP = 'whatsapp.sweep';
/** The job that runs by itself each minute. */
export const WHATSAPP_REBALANCE = 'whatsapp.rebalance';

type SweepCtx = Pick<Ctx, 'db' | 'bus' | 'log' | 'request_id'> & { placements: PlacementMetrics };

/** Sessions of one look. */
const BATCH = 500;
/** A session through which nothing has gone for so long is idle. */
const IDLE_MS = 600_000;
/** Idle sessions that move in one minute. */
const MOVES = 5;

/** Declares workers dead whose beats have stopped, and has whatever is due seen to. */
export async function sweepGateway(ctx: SweepCtx): Promise<void> {
  const { dead, orphans, woken } = await fromDb(() =>
    sweepWhatsapp(ctx.db, { limit: BATCH, request_id: ctx.request_id }),
  );
  if (dead.length > 0)
    ctx.log.warn({ workers: dead, sessions: orphans }, 'WhatsApp workers are dead, others take over');
  if (orphans > 0) ctx.placements.observeTakeovers(orphans);
  if (woken > 0 || orphans > 0) publishOutboxHint(ctx);
}

/** Moves a few idle sessions from the fullest worker to the emptiest, when they are far apart. */
export async function rebalanceGateway(ctx: SweepCtx): Promise<void> {
  const moved = await fromDb(() =>
    rebalanceWhatsapp(ctx.db, { idle_ms: IDLE_MS, limit: MOVES, request_id: ctx.request_id }),
  );
  if (moved === 0) return;
  ctx.log.info({ sessions: moved }, 'idle WhatsApp sessions move to another worker');
  publishOutboxHint(ctx);
}
