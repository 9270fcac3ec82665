import { chooseWhatsappWorker, type Placement, placeWhatsappSession } from '@potentia/db/whatsapp/worker-queries';
import { fromDb } from '../platform/db-errors.ts';
import { release } from './carry-out.ts';
import type { PlaceCtx } from './placement-ctx.ts';

/**
 * Takes a session from its worker and puts it on another: the one lets go first, if it can be reached within a bound, and then the
 * other is given the next generation, so that never two hold it. `prefer`: that worker or none. Null: no other can take it, and
 * it stays.
 */
export async function moveSession(ctx: PlaceCtx, from: Placement, prefer: string | null): Promise<Placement | null> {
  const { session_id, generation, worker_id } = from;
  const avoid = worker_id === null ? [] : [worker_id];
  const target = await fromDb(() => chooseWhatsappWorker(ctx.db, { avoid, prefer }));
  if (target === null || (prefer !== null && target !== prefer)) return null;
  if (!(await release(ctx, from)))
    ctx.log.warn({ session_id, worker_id, generation }, 'a worker did not let go of a session, and is fenced');
  const moved = await fromDb(() =>
    placeWhatsappSession(ctx.db, { session_id, from_generation: generation, avoid, prefer: target }),
  );
  if (moved?.state === 'placed') ctx.placements.observePlacement('moved');
  return moved;
}
