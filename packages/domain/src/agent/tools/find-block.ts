import { isCanvasShared } from '@potentia/db/agent/tool-call-queries';
import { getBlock } from '../../canvas/get-block.ts';
import { getCanvas } from '../../canvas/get-canvas.ts';
import { canWrite } from '../../canvas/rules/roles.ts';
import type { Block, Canvas } from '../../canvas/schemas.ts';
import { fromDb } from '../../platform/db-errors.ts';
import { AppError } from '../../platform/errors.ts';
import { say } from '../rules/tool-summary.ts';
import type { CallCtx } from './tool.ts';

export interface FoundCanvas {
  canvas: Canvas;
  /** Anybody else sees it. */
  is_shared: boolean;
}

/** A canvas that the person may write on. Throws `canvas.not_found`, `canvas.forbidden`, `canvas.archived`. */
export async function findWritableCanvas(ctx: CallCtx, canvas_id: string): Promise<FoundCanvas> {
  const { user_id } = ctx.actor;
  const canvas = await getCanvas(ctx, { canvas_id });
  if (!canWrite(canvas.role, null))
    throw new AppError('forbidden', 'canvas.forbidden', 'Your role on this canvas does not allow this.');
  if (canvas.archived_at !== null) throw new AppError('conflict', 'canvas.archived', 'The canvas is archived.');
  return { canvas, is_shared: await fromDb(() => isCanvasShared(ctx.db, { user_id, canvas_id })) };
}

/** One of its blocks. Throws `block.not_found`, and what `findWritableCanvas` does. */
export async function findWritableBlock(
  ctx: CallCtx,
  { canvas_id, block_id }: { canvas_id: string; block_id: string },
): Promise<FoundCanvas & { block: Block }> {
  const found = await findWritableCanvas(ctx, canvas_id);
  return { ...found, block: await getBlock(ctx, { canvas_id, block_id }) };
}

/** What is said of a canvas that others see. */
export const seenText = ({ call }: CallCtx, { is_shared }: FoundCanvas): string =>
  is_shared ? say(call.locale, ' (others see it)', ' (dilihat orang lain)') : '';
