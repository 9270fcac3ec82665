import { getBlockGaps, lockCanvas } from '@potentia/db/canvas/queries';
import type { AppliedTransfer } from '@potentia/db/canvas/rows';
import { transferBlock as applyTransfer } from '@potentia/db/canvas/transfer-queries';
import type { Queryable } from '@potentia/db/client';
import { withContext } from '@potentia/db/context';
import { hashJson } from '../platform/canonical-json.ts';
import type { UserCtx } from '../platform/ctx.ts';
import { AppError } from '../platform/errors.ts';
import { newId } from '../platform/uuid.ts';
import { writeCanvas } from './canvas-queue.ts';
import type { TransferResult } from './history-schemas.ts';
import { whileGapMoves } from './mutate-blocks.ts';
import { publishEvent } from './publish.ts';
import { listGaps, rankOps, type NamedOp } from './rules/placement.ts';

/** A subtree on its way to another canvas. */
export interface TransferOp {
  op: 'copy' | 'move';
  block_id: string;
  version?: number | undefined;
  parent_id: string | null;
  after_id?: string | null | undefined;
}

interface Transfer {
  from_canvas_id: string;
  to_canvas_id: string;
  mutation_id: string;
  op: TransferOp;
}

/** Copies or moves a subtree between two canvases; see `copyBlock` and `moveBlock`. */
export async function transferBlock(ctx: UserCtx, input: Transfer): Promise<TransferResult> {
  const { from_canvas_id, to_canvas_id, op } = input;
  const { user_id } = ctx.actor;
  const request_hash = hashJson({ from_canvas_id, op });
  const copy_id = newId();
  const attempt = async (db: Queryable): Promise<AppliedTransfer> => {
    const rank = await findRank(db, { user_id, canvas_id: to_canvas_id }, op, copy_id);
    const ranked = { ...op, copy_id, rank };
    return applyTransfer(db, { ...input, user_id, request_hash, request_id: ctx.request_id, op: ranked });
  };
  const lockBoth = async (tx: Queryable): Promise<void> => {
    const source_role = op.op === 'move' ? 'editor' : 'viewer';
    for (const canvas_id of [from_canvas_id, to_canvas_id].sort())
      await lockCanvas(tx, { user_id, canvas_id }, canvas_id === to_canvas_id ? 'editor' : source_role);
  };

  // In one order for everybody, here as in Postgres, so that nobody waits in a circle.
  const [first, second] = [from_canvas_id, to_canvas_id].sort() as [string, string];
  const { result, replayed, frame, source } = await withoutOpIndex(
    writeCanvas(ctx, first, () =>
      writeCanvas(ctx, second, () =>
        whileGapMoves(
          () => attempt(ctx.db),
          () =>
            withContext(ctx.db, { user_id }, async (tx) => {
              await lockBoth(tx);
              return attempt(tx);
            }),
        ),
      ),
    ),
  );
  if (!replayed) publishEvent(ctx, { canvas_id: to_canvas_id, seq: result.seq, frame });
  if (source) publishEvent(ctx, { canvas_id: from_canvas_id, ...source });
  return { ...result, replayed, canvas_id: to_canvas_id };
}

/** Where the place is none, a transfer that was applied before is answered all the same: hence no error here. */
async function findRank(
  db: Queryable,
  scope: { user_id: string; canvas_id: string },
  { block_id, parent_id, after_id }: TransferOp,
  copy_id: string,
): Promise<string | undefined> {
  const place = after_id === undefined ? { parent_id } : { parent_id, after_id };
  const ops: NamedOp[] = [{ op: 'copy', block_id, copy_id, ...place }];
  return rankOps(ops, await getBlockGaps(db, { ...scope, gaps: listGaps(ops) })).get(0);
}

/** For doors that take one operation and no list: refusals name its fields as they stand in the body. */
export async function withoutOpIndex<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { op_index: _, errors, ...meta } = error.meta;
    const code = error.code === 'block.rank_invalid' ? 'block.after_not_found' : error.code;
    const kind = error.code === 'block.rank_invalid' ? 'conflict' : error.kind;
    const message = error.code === 'block.rank_invalid' ? 'The block to follow is not at this place' : error.message;
    const named = Array.isArray(errors)
      ? {
          errors: (errors as { pointer: string; message: string }[]).map((one) => ({
            pointer: one.pointer.replace(/^\/ops\/0/, '').replace(/^\/rank$/, '/after_id'),
            message,
          })),
        }
      : {};
    throw new AppError(kind, code, message, { ...meta, ...named }, { cause: error });
  }
}
