import type { ChangedSchedule, ScheduleDetail } from '../../calendar/schedule-schemas.ts';
import { updateSchedule as updateScheduleVerb } from '../../calendar/update-schedule.ts';
import { invalidField } from '../../platform/parse.ts';
import { quote, quoteWritten, say, sayRule, sayTime } from '../rules/tool-summary.ts';
import type { ToolArguments } from '../tool-schemas.ts';
import { presentSchedule } from './create-schedule.ts';
import { beginsAt, findSchedule, isOneOfSeveral, nameOf, sayOccurrences } from './find-schedule.ts';
import { localInZoneOf, undoOf } from './schedule-changes.ts';
import { type Planner, verbCtx } from './tool.ts';

/** What stands in a calendar, otherwise. */
export const updateSchedule: Planner<'update_schedule'> = async (ctx, args) => {
  const { schedule, is_shared } = await findSchedule(ctx, args.schedule_id);
  const { title, location, description, rrule, duration_minutes } = args;
  const patch = {
    ...(title !== undefined && { title }),
    ...(location !== undefined && { location }),
    ...(description !== undefined && { description }),
    ...(rrule !== undefined && { rrule }),
    ...(duration_minutes !== undefined && { duration_seconds: duration_minutes * 60 }),
    ...(args.starts_local !== undefined && { starts_local: localInZoneOf(ctx, schedule, args.starts_local) }),
  };
  if (Object.keys(patch).length === 0) throw invalidField('', 'Give something to change');
  const where = { schedule_id: schedule.id, scope: args.scope, recurrence_id: nameOf(schedule, args.recurrence_id) };
  const input = { ...where, ...patch };
  if (!ctx.call.is_rerun) await updateScheduleVerb(ctx, { ...input, dry_run: true });
  const { locale } = ctx.call;
  const what = `${quote(schedule.title)} (${sayOccurrences(ctx, schedule, where)})`;
  const changes = describe(args, schedule, ctx.call.locale);
  return {
    summary: say(locale, `Change ${what}: ${changes}`, `Mengubah ${what}: ${changes}`),
    write: {
      intent: 'update_schedule',
      texts: [title ?? '', location ?? '', description ?? ''],
      things: [{ id: schedule.id, words: schedule.title }],
      repeats: rrule !== undefined,
      timing: {
        starts_local: args.starts_local,
        from_local: beginsAt(ctx, schedule, where.recurrence_id),
        length: duration_minutes,
        rrule,
      },
      isUnclear: () => isOneOfSeveral(ctx, schedule),
      affects_others: is_shared,
    },
    run: async () => {
      const changed = (await updateScheduleVerb(verbCtx(ctx), input)) as ChangedSchedule;
      return { result: presentSchedule(ctx, changed), undo: undoOf(schedule, where, patch, changed) };
    },
  };
};

function describe(args: ToolArguments<'update_schedule'>, schedule: ScheduleDetail, locale: 'en' | 'id'): string {
  const { title, location, description, duration_minutes, starts_local, rrule } = args;
  const start = { ...schedule, starts_local: starts_local ?? schedule.starts_local };
  return [
    title === undefined ? null : say(locale, `title ${quote(title)}`, `judul ${quote(title)}`),
    starts_local === undefined ? null : sayTime(starts_local, schedule.time_zone, locale),
    duration_minutes === undefined ? null : say(locale, `${duration_minutes} minutes`, `${duration_minutes} menit`),
    rrule === undefined ? null : sayRule(rrule, start, locale),
    location === undefined ? null : say(locale, `location ${quote(location)}`, `lokasi ${quote(location)}`),
    description === undefined
      ? null
      : say(locale, `description ${quoteWritten(description)}`, `keterangan ${quoteWritten(description)}`),
  ]
    .filter((part) => part !== null)
    .join(', ');
}
