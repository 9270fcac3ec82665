import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { runBounded, TookTooLong } from '../platform/bounded.ts';
import { AppError } from '../platform/errors.ts';
import { parseInput } from '../platform/parse.ts';
import { derivedId, newId } from '../platform/uuid.ts';
import { applyMutation } from './mutate-blocks.ts';
import { checkContent } from './rules/content.ts';
import { MarkdownTooDeep, parseMarkdown, type BlockTree } from './rules/markdown-parse.ts';
import { importMarkdownInput, MAX_IMPORT_BLOCKS, type BlockOp, type MutationResult } from './schemas.ts';

/** Milliseconds for parsing; half a megabyte of prose takes a fraction of it. */
const PARSE_TIMEOUT_MS = 1_500;

/**
 * Adds the blocks of a Markdown document to a canvas, by one mutation: at `parent_id` after `after_id`, else at the end.
 * Its ids come from the `Idempotency-Key`, so that the same import sent again is applied once.
 * Throws `canvas.import_refused` for a document that makes no block, or more than 2,000, or one too big; and what
 * `mutateBlocks` throws.
 */
export async function importMarkdown(
  ctx: UserCtx,
  input: z.input<typeof importMarkdownInput>,
): Promise<MutationResult> {
  const { canvas_id, markdown, parent_id, after_id } = parseInput(importMarkdownInput, input);
  const mutation_id =
    ctx.idempotency_key === undefined
      ? newId()
      : derivedId('canvas.import', ctx.actor.user_id, canvas_id, ctx.idempotency_key);
  const ops = toOps(parseBounded(markdown), mutation_id, parent_id);
  const [first] = ops;
  if (!first) throw refuse('It makes no block');
  return applyMutation(ctx, { canvas_id, mutation_id, ops: placeTopLevel(ops, parent_id, after_id) });
}

function parseBounded(markdown: string): BlockTree[] {
  try {
    return runBounded(PARSE_TIMEOUT_MS, () => parseMarkdown(markdown));
  } catch (error) {
    if (error instanceof MarkdownTooDeep) throw refuse('It nests too deep');
    if (error instanceof TookTooLong) throw refuse('It takes too long to parse');
    throw error;
  }
}

type CreateOp = Extract<BlockOp, { op: 'create' }>;

function toOps(trees: BlockTree[], mutation_id: string, parent_id: string | null, ops: CreateOp[] = []): CreateOp[] {
  for (const { type, content, children } of trees) {
    const [fault] = checkContent(type, content);
    if (fault) throw refuse(`A ${type} in it is too big (/${fault.path.join('/')}: ${fault.message})`);
    if (ops.length === MAX_IMPORT_BLOCKS) throw refuse(`It makes more than ${MAX_IMPORT_BLOCKS} blocks`);
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
