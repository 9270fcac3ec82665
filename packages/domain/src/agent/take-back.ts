import {
  isCalendarShared,
  isCanvasShared,
  markToolCallUndone,
  type RestoredThing,
  type ToolCallRecord,
  type UndoRow,
} from '@potentia/db/agent/tool-call-queries';
import { deleteSchedule } from '../calendar/delete-schedule.ts';
import { getSchedule } from '../calendar/get-schedule.ts';
import { moveSchedule } from '../calendar/move-schedule.ts';
import type { ChangedSchedule } from '../calendar/schedule-schemas.ts';
import { updateSchedule } from '../calendar/update-schedule.ts';
import { mutateBlocks } from '../canvas/mutate-blocks.ts';
import { revertBlock } from '../canvas/revert-block.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { derivedId } from '../platform/uuid.ts';
import { type ToolCtx, toolCtx } from './tool-ctx.ts';
import { undoRemember } from './tools/remember.ts';

/* How each kind of undo is done. What it is done to may have changed, or gone, and access with it: the verbs decide. */

type Input = Record<string, unknown>;
type Restored = RestoredThing | null;
const UNDO: Record<string, (ctx: ToolCtx, input: Input, mutation_id: string) => Promise<Restored>> = {
  delete_schedule: async (ctx, input) => {
    await deleteSchedule(ctx, input as Parameters<typeof deleteSchedule>[1]);
    return null;
  },
  update_schedule: async (ctx, { to_version, ...input }) =>
    restored(to_version, (await updateSchedule(ctx, input as Parameters<typeof updateSchedule>[1])) as ChangedSchedule),
  move_schedule: async (ctx, { to_version, ...input }) =>
    restored(
      to_version,
      (await moveSchedule(ctx, input as Parameters<typeof moveSchedule>[1])).result as ChangedSchedule,
    ),
  delete_block: async (ctx, { canvas_id, block_id, version }, mutation_id) => {
    const op = { op: 'delete' as const, block_id: block_id as string, version: version as number };
    await mutateBlocks(ctx, { canvas_id: canvas_id as string, mutation_id, ops: [op] });
    return null;
  },
  revert_block: async (ctx, input, mutation_id) => {
    const { ops } = await revertBlock(ctx, { ...input, mutation_id } as Parameters<typeof revertBlock>[1]);
    const [reverted] = ops;
    return reverted && 'block' in reverted ? restored(input['to_version'], reverted.block) : null;
  },
  delete_memory: async (ctx, input) => {
    await undoRemember(ctx, input as { memory_id: string });
    return null;
  },
};

const restored = (was: unknown, { id, version }: { id: string; version: number }): Restored =>
  typeof was === 'number' ? { id, was, version } : null;

/** Something that goes is gone already. */
const GOES = ['delete_schedule', 'delete_block', 'delete_memory'];

/**
 * Takes back what a call has done, once, and marks it so. Throws `tool.cannot_undo`, and what the verb refuses: somebody has changed it
 * since (conflict), or access is gone.
 */
export async function takeBack(ctx: ToolCtx, { call, undo }: ToolCallRecord): Promise<ToolCallRecord> {
  const work = undo && UNDO[undo.tool];
  if (!work) throw new AppError('conflict', 'tool.cannot_undo', 'This cannot be taken back.');
  const keyed = toolCtx(ctx, `tool:${call.tool_call_id}:undo`);
  let thing: Restored = null;
  try {
    thing = await work(keyed, undo.arguments, derivedId(call.tool_call_id, 'undo'));
  } catch (error) {
    const is_gone = error instanceof AppError && /^(schedule|block|memory)\.not_found$/.test(error.code);
    if (!is_gone || !GOES.includes(undo.tool)) throw error;
  }
  const { user_id } = ctx.actor;
  const { tool_call_id } = call;
  return fromDb(() =>
    markToolCallUndone(ctx.db, { user_id, tool_call_id, restored: thing, request_id: ctx.request_id }),
  );
}

/** Whether anybody else would notice. What the person sees no more is for the verb to refuse. */
export async function undoAffectsOthers(ctx: ToolCtx, { arguments: input }: UndoRow): Promise<boolean> {
  const { user_id } = ctx.actor;
  const { canvas_id, schedule_id } = input;
  try {
    if (typeof canvas_id === 'string') return await fromDb(() => isCanvasShared(ctx.db, { user_id, canvas_id }));
    if (typeof schedule_id !== 'string') return false;
    const { calendar_id, guest_count } = await getSchedule(ctx, { schedule_id });
    return guest_count > 0 || (await fromDb(() => isCalendarShared(ctx.db, { user_id, calendar_id })));
  } catch (error) {
    if (error instanceof AppError && error.kind === 'not_found') return false;
    throw error;
  }
}
