import { deleteSchedule as deleteScheduleVerb } from '../../calendar/delete-schedule.ts';
import { WHOLE_WORDS } from '../rules/intent-words.ts';
import { quote, say } from '../rules/tool-summary.ts';
import { leftOver } from '../decide-write.ts';
import { beginsAt, findSchedule, isOneOfSeveral, nameOf, sayOccurrences } from './find-schedule.ts';
import { type Planner, verbCtx, type WritePlan } from './tool.ts';

/** Something in a calendar, no more. Of a series more than one occurrence goes only when that was said. */
export const deleteSchedule: Planner<'delete_schedule'> = async (ctx, args) => {
  const { schedule, is_shared } = await findSchedule(ctx, args.schedule_id);
  const { scope = 'all' } = args;
  const where = { schedule_id: schedule.id, scope, recurrence_id: nameOf(schedule, args.recurrence_id) };
  if (!ctx.call.is_rerun) await deleteScheduleVerb(ctx, { ...where, dry_run: true });
  const what = `${quote(schedule.title)} (${sayOccurrences(ctx, schedule, where)})`;
  const said = ctx.call.message?.content ?? '';
  const is_whole = schedule.rrule !== null && scope !== 'this';
  const write: WritePlan = {
    intent: 'delete_schedule',
    texts: [],
    things: [{ id: schedule.id, words: schedule.title }],
    ...(!is_whole && { timing: { meant_local: beginsAt(ctx, schedule, where.recurrence_id) } }),
    isUnclear: () => isOneOfSeveral(ctx, schedule, { on_days_said: true }),
    affects_others: is_shared,
  };
  return {
    summary: say(ctx.call.locale, `Delete ${what}`, `Menghapus ${what}`),
    // What comes back no more goes by all of its name, and a series by a word for all of it.
    write: {
      ...write,
      is_destructive: (is_whole && !WHOLE_WORDS.test(said)) || leftOver(ctx, write, said).length > 0,
    },
    run: async () => {
      await deleteScheduleVerb(verbCtx(ctx), where);
      return { result: { schedule_id: schedule.id, title: schedule.title, scope, is_deleted: true }, undo: null };
    },
  };
};
