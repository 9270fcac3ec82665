import {
  type Placement,
  placeWhatsappSession,
  postponeWhatsappSession,
  settleWhatsappSession,
} from '@potentia/db/whatsapp/worker-queries';
import { z } from 'zod';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import type { OutboxJob } from '../platform/outbox.ts';
import { carryOut } from './carry-out.ts';
import { moveSession } from './move-session.ts';
import type { PlaceCtx } from './placement-ctx.ts';
import { hasMoved } from './worker-client.ts';

/** The outbox topic of sessions of which something is wanted. */
export const WHATSAPP_PLACE = 'whatsapp.place';
export const placeSessionPayload = z.object({ session_id: z.uuid() });

/** Decisions of one job; who comes to no end is looked at again. */
const MAX_TURNS = 6;
/** Milliseconds after which it is looked at again. */
const SOON_MS = 5_000;
const LATER_MS = 60_000;

/**
 * Does what is wanted of a session: puts it on a worker and commands that one, until what was done is what is wanted. What cannot
 * be done now is done later, by the sweeper's word. May run at any time, also twice at once.
 */
export async function placeSession(
  ctx: PlaceCtx,
  { payload }: Pick<OutboxJob<z.infer<typeof placeSessionPayload>>, 'payload'>,
): Promise<void> {
  const { session_id } = payload;
  const first = await fromDb(() => placeWhatsappSession(ctx.db, { session_id }));
  if (first?.state === 'kept' && first.worker_status === 'draining' && first.desired_state === 'connected') {
    const moved = await moveSession(ctx, first, null);
    if (moved) await see(ctx, moved);
    else await postpone(ctx, first, 'worker.draining', LATER_MS);
    return;
  }
  await see(ctx, first);
}

/** Goes on from a decision. */
export async function see(ctx: PlaceCtx, first: Placement | null): Promise<void> {
  const avoid: string[] = [];
  let placement = first;
  for (let turn = 0; turn < MAX_TURNS && placement; turn++) {
    if (placement.state === 'waiting') {
      ctx.placements.observePlacement('waiting');
      return;
    }
    if (placement.state === 'placed') ctx.placements.observePlacement('placed');
    const next = await attempt(ctx, placement, avoid);
    if (next === 'done') return;
    placement = next;
  }
  if (placement) await postpone(ctx, placement, 'worker.unsettled', SOON_MS);
}

/** One decision carried out, and the one after it. */
async function attempt(ctx: PlaceCtx, placement: Placement, avoid: string[]): Promise<Placement | null | 'done'> {
  const { session_id, intent, generation } = placement;
  try {
    const outcome = await carryOut(ctx, placement);
    if (await fromDb(() => settleWhatsappSession(ctx.db, { session_id, intent, generation, outcome }))) return 'done';
    return await fromDb(() => placeWhatsappSession(ctx.db, { session_id }));
  } catch (error) {
    if (!(error instanceof AppError) || error.code.startsWith('platform.')) throw error;
    return onRefused(ctx, placement, error, avoid);
  }
}

async function onRefused(
  ctx: PlaceCtx,
  placement: Placement,
  error: AppError,
  avoid: string[],
): Promise<Placement | null | 'done'> {
  const { session_id, generation, worker_id } = placement;
  const fields = { session_id, worker_id, generation, code: error.code };
  if (hasMoved(error)) {
    const now = await fromDb(() => placeWhatsappSession(ctx.db, { session_id }));
    if (now?.generation !== generation) return now;
    ctx.log.warn(fields, 'a worker knows of a later decision than the one that stands');
    return fromDb(() => placeWhatsappSession(ctx.db, { session_id, from_generation: generation, prefer: worker_id }));
  }
  if (error.kind === 'unavailable' && isMovable(placement)) {
    ctx.log.warn(fields, 'a worker does not take a session, another one is to');
    if (worker_id !== null) avoid.push(worker_id);
    const next = await fromDb(() => placeWhatsappSession(ctx.db, { session_id, from_generation: generation, avoid }));
    if (next?.state !== 'waiting') return next;
  }
  ctx.log.warn(fields, 'what is wanted of a session could not be done now');
  await postpone(ctx, placement, error.code, error.kind === 'unavailable' ? SOON_MS : LATER_MS);
  return 'done';
}

/** Whoever runs it well goes on with it, though it does not hear us now; what only needs a worker can have another. */
const isMovable = ({ state, status, desired_state }: Placement): boolean =>
  desired_state !== 'disconnected' && (state === 'placed' || status !== 'connected');

async function postpone(ctx: PlaceCtx, placement: Placement, reason: string, after_ms: number): Promise<void> {
  const { session_id, intent } = placement;
  ctx.placements.observePlacement('postponed');
  await fromDb(() => postponeWhatsappSession(ctx.db, { session_id, intent, reason, after_ms }));
}
