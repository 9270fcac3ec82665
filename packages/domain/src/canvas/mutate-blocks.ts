import { applyBlockMutations, getBlockGaps, lockCanvas, type CanvasScope } from '@potentia/db/canvas/queries';
import type { AppliedMutation } from '@potentia/db/canvas/rows';
import type { Queryable } from '@potentia/db/client';
import { withContext } from '@potentia/db/context';
import { DbError } from '@potentia/db/errors';
import type { z } from 'zod';
import { hashJson } from '../platform/canonical-json.ts';
import type { UserCtx } from '../platform/ctx.ts';
import { AppError } from '../platform/errors.ts';
import { parseInput } from '../platform/parse.ts';
import { newId } from '../platform/uuid.ts';
import { writeCanvas } from './canvas-queue.ts';
import { publishEvent } from './publish.ts';
import { typesThatRefuse } from './rules/content.ts';
import { listGaps, rankOps, type NamedOp } from './rules/placement.ts';
import { mutateBlocksInput, type MutationResult, type SystemOp } from './schemas.ts';

/** Tries without a lock; whoever loses so many races for one gap queues up for the canvas instead. */
const MAX_TRIES = 3;

/** A mutation whose input is checked already, of any number of operations. */
export interface Mutation {
  canvas_id: string;
  mutation_id: string;
  ops: SystemOp[];
}

/**
 * Applies a batch of operations to a canvas: all or nothing, one `seq`, one event. The same `mutation_id` again changes
 * nothing and answers the same with `replayed`; nothing is published for it, since hubs that missed the event find it in
 * `canvas_events`. One round trip to Postgres, two when a block gets a new place, more only while others change that
 * very place.
 *
 * Throws `block.version_conflict` with the current block, `block.not_found`, `block.parent_not_found`,
 * `block.after_not_found`, `block.cycle`, `block.too_deep`, `block.already_exists`, `block.content_invalid`,
 * `block.subtree_too_large`, `block.not_in_trash` (each with `op_index`), `canvas.mutation_reused`, `canvas.mutation_too_large`, `canvas.archived`, `canvas.not_found`,
 * `canvas.forbidden` (editors may), `canvas.busy`.
 */
export async function mutateBlocks(ctx: UserCtx, input: z.input<typeof mutateBlocksInput>): Promise<MutationResult> {
  return applyMutation(ctx, parseInput(mutateBlocksInput, input));
}

/** `mutateBlocks` for a mutation that the system made up itself: without the limits of a client's. */
export async function applyMutation(ctx: UserCtx, { canvas_id, mutation_id, ops }: Mutation): Promise<MutationResult> {
  const scope = { user_id: ctx.actor.user_id, canvas_id };
  const named = ops.map(nameOp);
  // The hash is of what the client sent: ranks and made-up ids differ from try to try.
  const mutation = { ...scope, mutation_id, request_hash: hashJson(ops), request_id: ctx.request_id };
  const attempt = async (db: Queryable): Promise<AppliedMutation> => {
    const ranked = await addRanks(db, scope, named);
    return applyBlockMutations(db, { ...mutation, ops: ranked }).catch((error: unknown) => {
      throw explainMissingRank(error, ranked);
    });
  };

  const { result, replayed, frame } = await writeCanvas(ctx, canvas_id, () =>
    whileGapMoves(
      () => attempt(ctx.db),
      () =>
        withContext(ctx.db, { ...scope, needed_role: 'editor' }, async (tx) => {
          await lockCanvas(tx, scope);
          return attempt(tx);
        }),
    ),
  );
  if (!replayed) publishEvent(ctx, { canvas_id, seq: result.seq, frame });
  return { ...result, replayed };
}

function nameOp(op: SystemOp): NamedOp {
  if (op.op === 'copy') return { ...op, copy_id: op.copy_id ?? newId() };
  return { ...op, block_id: op.block_id ?? newId() };
}

/** Tries again while others change the place, at last with the canvas to itself. Throws what is not `block.gap_moved`. */
export async function whileGapMoves<T>(attempt: () => Promise<T>, attemptLocked: () => Promise<T>): Promise<T> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof DbError && error.code === 'block.gap_moved')) throw error;
    }
  }
  return attemptLocked();
}

type RankedOp = NamedOp & { rank?: string; refused_types?: string[] };

async function addRanks(db: Queryable, scope: CanvasScope, ops: NamedOp[]): Promise<RankedOp[]> {
  const gaps = listGaps(ops);
  const ranks = rankOps(ops, gaps.length > 0 ? await getBlockGaps(db, { ...scope, gaps }) : []);
  return ops.map((op, index): RankedOp => {
    if (op.op === 'delete') return op;
    if (op.op === 'edit') return op.type ? op : { ...op, refused_types: typesThatRefuse(op.content) };
    return { ...op, rank: ranks.get(index) };
  });
}

/**
 * An operation without a place is sent all the same: Postgres may know the mutation from before, or find more important
 * what else is wrong with it. Only then is the lack of a rank the reason to refuse it.
 */
function explainMissingRank(error: unknown, ops: RankedOp[]): unknown {
  if (!(error instanceof DbError && error.code === 'block.rank_invalid')) return error;
  const op_index = ops.findIndex(
    ({ op, rank }) => (op === 'create' || op === 'move' || op === 'copy') && rank === undefined,
  );
  if (op_index < 0) return error;
  const message = 'The block to follow is not at this place';
  const errors = [{ pointer: `/ops/${op_index}/after_id`, message }];
  return new AppError('conflict', 'block.after_not_found', message, { op_index, errors });
}
