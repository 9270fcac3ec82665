import { deleteSchedule as deleteScheduleVerb } from '../../calendar/delete-schedule.ts';
import { WHOLE_WORDS } from '../rules/intent-words.ts';
import { quote, say } from '../rules/tool-summary.ts';
import { findSchedule, nameOf, sayOccurrences } from './find-schedule.ts';
import { type Planner, verbCtx } from './tool.ts';

/** Something in a calendar, no more. Of a series more than one occurrence goes only when that was said. */
export const deleteSchedule: Planner<'delete_schedule'> = async (ctx, args) => {
  const { schedule, is_shared } = await findSchedule(ctx, args.schedule_id);
  const { scope = 'all' } = args;
  const where = { schedule_id: schedule.id, scope, recurrence_id: nameOf(schedule, args.recurrence_id) };
  if (!ctx.call.is_rerun) await deleteScheduleVerb(ctx, { ...where, dry_run: true });
  const what = `${quote(schedule.title)} (${sayOccurrences(ctx, schedule, where)})`;
  const said = ctx.call.message?.content ?? '';
  return {
    summary: say(ctx.call.locale, `Delete ${what}`, `Menghapus ${what}`),
    write: {
      intent: 'delete_schedule',
      texts: [],
      things: [{ id: schedule.id, words: schedule.title }],
      affects_others: is_shared,
      is_destructive: schedule.rrule !== null && scope !== 'this' && !WHOLE_WORDS.test(said),
    },
    run: async () => {
      await deleteScheduleVerb(verbCtx(ctx), where);
      return { result: { schedule_id: schedule.id, title: schedule.title, scope, is_deleted: true }, undo: null };
    },
  };
};
