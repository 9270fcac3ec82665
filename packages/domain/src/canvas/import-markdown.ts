import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { AppError } from '../platform/errors.ts';
import { parseInput } from '../platform/parse.ts';
import { derivedId, newId } from '../platform/uuid.ts';
import { type MarkdownCtx, MarkdownRefused } from './markdown.ts';
import { applyMutation } from './mutate-blocks.ts';
import { checkContent } from './rules/content.ts';
import type { BlockTree } from './rules/markdown-parse.ts';
import { importMarkdownInput, type BlockOp, type MutationResult } from './schemas.ts';

/**
 * Adds the blocks of a Markdown document to a canvas, by one mutation: at `parent_id` after `after_id`, else at the end.
 * Its ids come from the `Idempotency-Key`, so that the same import sent again is applied once.
 * Throws `canvas.import_refused` for a document that makes no block, or more than 2,000, or one too big, or that takes
 * too long to parse; what else `ctx.markdown` throws; and what `mutateBlocks` throws.
 */
export async function importMarkdown(
  ctx: MarkdownCtx,
  input: z.input<typeof importMarkdownInput>,
): Promise<MutationResult> {
  const { canvas_id, markdown, parent_id, after_id } = parseInput(importMarkdownInput, input);
  const mutation_id =
    ctx.idempotency_key === undefined
      ? newId()
      : derivedId('canvas.import', ctx.actor.user_id, canvas_id, ctx.idempotency_key);
  const trees = await ctx.markdown.parse(markdown, ctx.actor.user_id).catch((error: unknown) => {
    throw error instanceof MarkdownRefused ? refuse(error.message) : error;
  });
  const ops = toOps(trees, mutation_id, parent_id);
  const [first] = ops;
  if (!first) throw refuse('It makes no block');
  return applyMutation(ctx, { canvas_id, mutation_id, ops: placeTopLevel(ops, parent_id, after_id) });
}

/**
 * The blocks of a document that was parsed already, at the end of a canvas, by one mutation. Throws
 * `canvas.import_refused` and what `mutateBlocks` throws.
 */
export function importTrees(
  ctx: UserCtx,
  { canvas_id, mutation_id, trees }: { canvas_id: string; mutation_id: string; trees: BlockTree[] },
): Promise<MutationResult> {
  return applyMutation(ctx, { canvas_id, mutation_id, ops: toOps(trees, mutation_id, null) });
}

type CreateOp = Extract<BlockOp, { op: 'create' }>;

function toOps(trees: BlockTree[], mutation_id: string, parent_id: string | null, ops: CreateOp[] = []): CreateOp[] {
  for (const { type, content, children } of trees) {
    const [fault] = checkContent(type, content);
    if (fault) throw refuse(`A ${type} in it is too big (/${fault.path.join('/')}: ${fault.message})`);
    const block_id = derivedId(mutation_id, String(ops.length));
    ops.push({ op: 'create', block_id, parent_id, type, content });
    toOps(children, mutation_id, block_id, ops);
  }
  return ops;
}

/** Each top-level block follows the one before it; below, in new parents, the end is always the right place. */
function placeTopLevel(ops: CreateOp[], parent_id: string | null, after_id: string | null | undefined): CreateOp[] {
  if (after_id === undefined) return ops;
  let last: string | null = after_id;
  return ops.map((op) => {
    if (op.parent_id !== parent_id) return op;
    const placed = { ...op, after_id: last };
    last = op.block_id ?? null;
    return placed;
  });
}

function refuse(message: string): AppError {
  return new AppError('invalid', 'canvas.import_refused', `The document cannot be imported. ${message}`, {
    errors: [{ pointer: '/markdown', message }],
  });
}
