import type { ToolName } from './tool-schemas.ts';
import { appendBlock } from './tools/append-block.ts';
import { completeTodo } from './tools/complete-todo.ts';
import { createSchedule } from './tools/create-schedule.ts';
import { deleteSchedule } from './tools/delete-schedule.ts';
import { editBlock } from './tools/edit-block.ts';
import { findCanvases } from './tools/find-canvases.ts';
import { findSchedules } from './tools/find-schedules.ts';
import { findSlots } from './tools/find-slots.ts';
import { forget } from './tools/forget.ts';
import { listMemories } from './tools/list-memories.ts';
import { moveSchedule } from './tools/move-schedule.ts';
import { readCanvas } from './tools/read-canvas.ts';
import { readFreeBusy } from './tools/read-free-busy.ts';
import { remember } from './tools/remember.ts';
import { setReminder } from './tools/set-reminder.ts';
import type { CallCtx, Plan, Planner } from './tools/tool.ts';
import { undo } from './tools/undo.ts';
import { updateSchedule } from './tools/update-schedule.ts';

const PLANNERS: { [Name in ToolName]: Planner<Name> } = {
  find_schedules: findSchedules,
  create_schedule: createSchedule,
  update_schedule: updateSchedule,
  move_schedule: moveSchedule,
  delete_schedule: deleteSchedule,
  read_free_busy: readFreeBusy,
  find_slots: findSlots,
  find_canvases: findCanvases,
  read_canvas: readCanvas,
  append_block: appendBlock,
  edit_block: editBlock,
  complete_todo: completeTodo,
  set_reminder: setReminder,
  remember,
  forget,
  list_memories: listMemories,
  undo,
};

/** What a call of this tool would do. `args` were parsed with its schema. Throws what its planner does. */
export async function planCall(ctx: CallCtx, name: ToolName, args: unknown): Promise<Plan> {
  return (PLANNERS[name] as unknown as (ctx: CallCtx, args: unknown) => Promise<Plan> | Plan)(ctx, args);
}
