import { getCanvasRole } from '@potentia/db/canvas/queries';
import type { Db } from '@potentia/db/client';
import type { Actor, Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { inTurn } from '../platform/turns.ts';

const busy = { code: 'canvas.busy', message: 'Too many change this canvas at once; try again soon' };

/**
 * `fromDb` for work that takes the lock of a canvas: at most two writers of one canvas go to Postgres from one process, the others
 * wait in order (`inTurn`). Throws `canvas.busy` (limit, nothing was done), and to a stranger who would have to wait `canvas.not_found`.
 */
export function writeCanvas<T>(
  { db, actor }: Pick<Ctx, 'db' | 'actor'>,
  canvas_id: string,
  work: () => Promise<T>,
): Promise<T> {
  const assertAccess = () => assertCanvas(db, actor, canvas_id);
  return inTurn({ db, actor, key: `canvas:${canvas_id}`, assertAccess, busy }, () => fromDb(work));
}

/** Throws as the work itself would for somebody without access. The system needs none. */
async function assertCanvas(db: Db, actor: Actor, canvas_id: string): Promise<void> {
  if (actor.type === 'system') return;
  const role = await fromDb(() => getCanvasRole(db, { user_id: actor.user_id, canvas_id }));
  if (role === null) throw new AppError('not_found', 'canvas.not_found', 'There is no such canvas.');
}
