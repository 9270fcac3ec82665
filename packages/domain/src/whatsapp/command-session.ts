import {
  placeWhatsappSession,
  postponeWhatsappSession,
  settleWhatsappSession,
} from '@potentia/db/whatsapp/worker-queries';
import { z } from 'zod';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import type { OutboxJob } from '../platform/outbox.ts';
import { hold, restore } from './carry-out.ts';
import { moveSession } from './move-session.ts';
import { see } from './place-session.ts';
import type { PlaceCtx } from './placement-ctx.ts';
import { nobodyHolds } from './worker-client.ts';

/** The outbox topic of what is done to a session once, and is no state that it is to be in. */
export const WHATSAPP_COMMAND = 'whatsapp.command';
const of = { session_id: z.uuid() };
export const commandSessionPayload = z.discriminatedUnion('command', [
  z.object({
    ...of,
    command: z.literal('migrate'),
    /** From where that decision put it. */
    generation: z.number(),
    worker_id: z.uuid().nullable(),
  }),
  z.object({ ...of, command: z.literal('restore'), intent: z.number() }),
]);
type Payload = z.infer<typeof commandSessionPayload>;

/** A refusal of a restore stands on the card for so long before the session is looked at again. */
const REFUSED_MS = 3_600_000;

/** Moves a session, or brings its credentials back. Does nothing once something else has been decided. */
export async function commandSession(ctx: PlaceCtx, { payload }: Pick<OutboxJob<Payload>, 'payload'>): Promise<void> {
  if (payload.command === 'migrate') await migrate(ctx, payload);
  else await bringBack(ctx, payload);
}

async function migrate(
  ctx: PlaceCtx,
  { session_id, generation, worker_id }: Extract<Payload, { command: 'migrate' }>,
): Promise<void> {
  const placement = await fromDb(() => placeWhatsappSession(ctx.db, { session_id }));
  if (!placement || placement.state === 'waiting') return;
  const stands = placement.state === 'kept' && placement.generation === generation;
  if (!stands || placement.desired_state !== 'connected') return;
  const moved = await moveSession(ctx, placement, worker_id);
  if (moved) await see(ctx, moved);
  else ctx.log.info({ session_id, worker_id }, 'a session stays where it is: no other worker can take it');
}

async function bringBack(
  ctx: PlaceCtx,
  { session_id, intent }: Extract<Payload, { command: 'restore' }>,
): Promise<void> {
  const placement = await fromDb(() => placeWhatsappSession(ctx.db, { session_id }));
  if (placement?.intent !== intent) return;
  if (placement.worker_id === null) throw nobodyHolds();
  const { generation } = placement;
  try {
    await hold(ctx, placement, null);
    await restore(ctx, placement);
    await fromDb(() => settleWhatsappSession(ctx.db, { session_id, intent, generation, outcome: 'held' }));
  } catch (error) {
    if (!(error instanceof AppError) || error.kind === 'unavailable') throw error;
    ctx.log.warn({ session_id, code: error.code }, 'a session could not be restored');
    const reason = error.code;
    await fromDb(() => postponeWhatsappSession(ctx.db, { session_id, intent, reason, after_ms: REFUSED_MS }));
  }
}
