import type { z } from 'zod';
import { AppError } from '../platform/errors.ts';
import { getSnapshot } from './get-snapshot.ts';
import { type MarkdownCtx, MarkdownRefused } from './markdown.ts';
import type { canvasRef } from './schemas.ts';

/**
 * A canvas as Markdown: its title for a file name, and the text. Throws `canvas.not_found`; `canvas.export_refused` for
 * one that takes too long to print; and what else `ctx.markdown` throws.
 */
export async function exportMarkdown(
  ctx: MarkdownCtx,
  input: z.input<typeof canvasRef>,
): Promise<{ title: string; markdown: string }> {
  return ctx.markdown.print(await getSnapshot(ctx, input), ctx.actor.user_id).catch((error: unknown) => {
    if (!(error instanceof MarkdownRefused)) throw error;
    throw new AppError(
      'conflict',
      'canvas.export_refused',
      `The canvas cannot be written as Markdown. ${error.message}`,
    );
  });
}
