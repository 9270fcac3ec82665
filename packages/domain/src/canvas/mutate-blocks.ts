import { applyBlockMutations, getBlockGaps } from '@potentia/db/canvas/queries';
import { setTimeout as wait } from 'node:timers/promises';
import type { z } from 'zod';
import { hashJson } from '../platform/canonical-json.ts';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { parseInput } from '../platform/parse.ts';
import { newId } from '../platform/uuid.ts';
import { publishEvent } from './publish.ts';
import { typesThatRefuse } from './rules/content.ts';
import { listGaps, MisplacedOp, rankOps, type Gap, type NamedOp } from './rules/placement.ts';
import { mutateBlocksInput, type BlockOp, type MutationResult } from './schemas.ts';

/** Tries to place blocks in gaps that others change at the same time. */
const MAX_TRIES = 8;
/** Milliseconds: the longest wait before the second try; each further one waits up to twice as long. */
const FIRST_WAIT_MS = 4;

/** A mutation whose input is checked already, of any number of operations. */
export interface Mutation {
  canvas_id: string;
  mutation_id: string;
  ops: BlockOp[];
}

/**
 * Applies a batch of operations to a canvas: all or nothing, one `seq`, one event. The same `mutation_id` again changes
 * nothing and answers the same with `replayed`; nothing is published for it, since hubs that missed the event find it in
 * `canvas_events`. One round trip to Postgres, two when a block gets a new place.
 *
 * Throws `block.version_conflict` with the current block, `block.not_found`, `block.parent_not_found`,
 * `block.after_not_found`, `block.cycle`, `block.too_deep`, `block.already_exists`, `block.content_invalid` (each with
 * `op_index`), `block.gap_moved` when others kept changing the place, `canvas.mutation_reused`, `canvas.archived`,
 * `canvas.not_found`, `canvas.forbidden` (editors may).
 */
export async function mutateBlocks(ctx: UserCtx, input: z.input<typeof mutateBlocksInput>): Promise<MutationResult> {
  return applyMutation(ctx, parseInput(mutateBlocksInput, input));
}

/** `mutateBlocks` for a mutation that the system made up itself: without the limits of a client's. */
export async function applyMutation(ctx: UserCtx, { canvas_id, mutation_id, ops }: Mutation): Promise<MutationResult> {
  // Of what the client sent: ranks and made-up ids differ from try to try.
  const request_hash = hashJson(ops);
  const named = ops.map((op): NamedOp => ({ ...op, block_id: op.block_id ?? newId() }));
  const { result, replayed, frame } = await retryWhenGapMoved(async () =>
    applyBlockMutations(ctx.db, {
      user_id: ctx.actor.user_id,
      canvas_id,
      mutation_id,
      request_hash,
      ops: await addRanks(ctx, canvas_id, named),
      request_id: ctx.request_id,
    }),
  );
  if (!replayed) publishEvent(ctx, { canvas_id, seq: result.seq, frame });
  return { ...result, replayed };
}

async function retryWhenGapMoved<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await fromDb(work);
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'block.gap_moved' && tries < MAX_TRIES)) throw error;
      await wait(Math.random() * FIRST_WAIT_MS * 2 ** (tries - 1));
    }
  }
}

async function addRanks(ctx: UserCtx, canvas_id: string, ops: NamedOp[]): Promise<object[]> {
  const queries = listGaps(ops);
  const gaps =
    queries.length > 0 ? await getBlockGaps(ctx.db, { user_id: ctx.actor.user_id, canvas_id, gaps: queries }) : [];
  const ranks = findRanks(ops, gaps);
  return ops.map((op, index) => {
    if (op.op === 'delete') return op;
    if (op.op === 'edit') return op.type ? op : { ...op, refused_types: typesThatRefuse(op.content) };
    return { ...op, rank: ranks.get(index) };
  });
}

function findRanks(ops: NamedOp[], gaps: readonly (Gap | null)[]): Map<number, string> {
  try {
    return rankOps(ops, gaps);
  } catch (error) {
    if (!(error instanceof MisplacedOp)) throw error;
    const { op_index, message } = error;
    throw new AppError('conflict', 'block.after_not_found', message, {
      op_index,
      errors: [{ pointer: `/ops/${op_index}/after_id`, message }],
    });
  }
}
