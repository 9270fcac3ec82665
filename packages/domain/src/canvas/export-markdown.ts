import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { runBounded, TookTooLong } from '../platform/bounded.ts';
import { AppError } from '../platform/errors.ts';
import { getSnapshot } from './get-snapshot.ts';
import { printMarkdown } from './rules/markdown-print.ts';
import { buildTree } from './rules/tree.ts';
import type { canvasRef, Snapshot } from './schemas.ts';

/** Milliseconds for printing; thousands of blocks of prose take a fraction of it. */
const PRINT_TIMEOUT_MS = 3_000;

/** A canvas as Markdown: its title for a file name, and the text. Throws `canvas.not_found`, `canvas.export_refused`. */
export async function exportMarkdown(
  ctx: UserCtx,
  input: z.input<typeof canvasRef>,
): Promise<{ title: string; markdown: string }> {
  const { canvas, blocks } = JSON.parse(await getSnapshot(ctx, input)) as Snapshot;
  try {
    return { title: canvas.title, markdown: runBounded(PRINT_TIMEOUT_MS, () => printMarkdown(buildTree(blocks))) };
  } catch (error) {
    if (!(error instanceof TookTooLong)) throw error;
    throw new AppError('conflict', 'canvas.export_refused', 'The canvas takes too long to print as Markdown');
  }
}
