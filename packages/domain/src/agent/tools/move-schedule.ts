import { moveSchedule as moveScheduleVerb } from '../../calendar/move-schedule.ts';
import type { ChangedSchedule } from '../../calendar/schedule-schemas.ts';
import { invalidField } from '../../platform/parse.ts';
import { quote, say, sayTime } from '../rules/tool-summary.ts';
import { presentSchedule } from './create-schedule.ts';
import { findCalendar } from './find-calendar.ts';
import { beginsAt, findSchedule, isOneOfSeveral, nameOf, sayOccurrences } from './find-schedule.ts';
import { localInZoneOf, undoOf } from './schedule-changes.ts';
import { type Planner, type Undo, verbCtx } from './tool.ts';

/** What stands in a calendar, at another time or in another calendar. */
export const moveSchedule: Planner<'move_schedule'> = async (ctx, args) => {
  if ((args.starts_local ?? args.calendar) === undefined) throw invalidField('/starts_local', 'Say where to move it');
  const { schedule, is_shared } = await findSchedule(ctx, args.schedule_id);
  const target = args.calendar === undefined ? null : await findCalendar(ctx, args.calendar);
  const starts_local =
    args.starts_local === undefined
      ? undefined
      : localInZoneOf(ctx, schedule, fit(args.starts_local, schedule.is_all_day));
  const where = { schedule_id: schedule.id, scope: args.scope, recurrence_id: nameOf(schedule, args.recurrence_id) };
  const input = { ...where, starts_local, calendar_id: target?.calendar.id };
  if (!ctx.call.is_rerun) await moveScheduleVerb(ctx, { ...input, dry_run: true });
  const { locale } = ctx.call;
  const what = `${quote(schedule.title)} (${sayOccurrences(ctx, schedule, where)})`;
  const to = [
    starts_local === undefined ? null : sayTime(starts_local, schedule.time_zone, locale),
    target && say(locale, `the calendar ${quote(target.calendar.name)}`, `kalender ${quote(target.calendar.name)}`),
  ]
    .filter((part) => part !== null)
    .join(', ');
  return {
    ...(target && { arguments: { ...args, calendar: target.calendar.id } }),
    summary: say(locale, `Move ${what} to ${to}`, `Memindahkan ${what} ke ${to}`),
    write: {
      intent: 'move_schedule',
      texts: [],
      things: [
        { id: schedule.id, words: schedule.title },
        ...(target && !target.is_default ? [{ id: target.calendar.id, words: target.calendar.name }] : []),
      ],
      timing: { starts_local: args.starts_local, from_local: beginsAt(ctx, schedule, where.recurrence_id) },
      isUnclear: () => isOneOfSeveral(ctx, schedule),
      affects_others: is_shared || target?.is_shared === true,
    },
    run: async () => {
      const { result } = await moveScheduleVerb(verbCtx(ctx), input);
      const moved = result as ChangedSchedule;
      const patch = { ...(starts_local !== undefined && { starts_local }) };
      const back = undoOf(schedule, where, patch, moved);
      return { result: presentSchedule(ctx, moved), undo: back && asMove(back, target && schedule.calendar_id) };
    },
  };
};

const fit = (local: string, is_all_day: boolean): string => (is_all_day ? local.slice(0, 10) : local);

const asMove = ({ arguments: input }: Undo, calendar_id: string | null): Undo => ({
  tool: 'move_schedule',
  arguments: { ...input, ...(calendar_id !== null && { calendar_id }) },
});
