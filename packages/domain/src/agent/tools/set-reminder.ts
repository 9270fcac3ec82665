import type { z } from 'zod';
import { createReminder } from '../../calendar/create-reminder.ts';
import { createSchedule } from '../../calendar/create-schedule.ts';
import { normaliseFor } from '../../calendar/schedule-rule.ts';
import { readNewTimes } from '../../calendar/schedule-times.ts';
import { viewSchedules } from '../../calendar/view-schedules.ts';
import type { viewPage } from '../../calendar/view-schemas.ts';
import { invalidField } from '../../platform/parse.ts';
import { AGAIN_WORDS } from '../rules/intent-words.ts';
import { quote, say, sayRule, sayTime } from '../rules/tool-summary.ts';
import type { ToolArguments } from '../tool-schemas.ts';
import { findCalendar } from './find-calendar.ts';
import { instantOf } from './local-times.ts';
import { type CallCtx, type Done, type Planner, verbCtx } from './tool.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** A schedule without length in the default calendar, which makes nobody busy, and a reminder at its time. */
export const setReminder: Planner<'set_reminder'> = async (ctx, args) => {
  const { time_zone, locale, now, is_rerun } = ctx.call;
  if (!args.at.includes('T')) throw invalidField('/at', 'Needs a time of day, such as 2026-03-01T09:00');
  if (!is_rerun && args.rrule === undefined && instantOf(args.at, time_zone) <= now)
    throw invalidField('/at', 'Lies in the past');
  const { calendar, is_shared } = await findCalendar(ctx, undefined);
  const times = { starts_local: args.at, duration_seconds: 0, time_zone, rrule: args.rrule };
  const series = normaliseFor(readNewTimes(times, time_zone));
  const rule = series.rrule === null ? '' : `, ${sayRule(series.rrule, series, locale)}`;
  const when = `${sayTime(series.starts_local, time_zone, locale)}${rule}`;
  const is_again = await isReminded(ctx, args.title);
  return {
    summary: say(
      locale,
      `Remind you of ${quote(args.title)}: ${when}`,
      `Mengingatkan Anda ${quote(args.title)}: ${when}`,
    ),
    write: {
      intent: 'set_reminder',
      texts: is_again ? [] : [args.title],
      things: [],
      repeats: args.rrule !== undefined,
      timing: { starts_local: args.at, rrule: args.rrule, is_again },
      affects_others: is_shared,
    },
    run: () => write(ctx, args, calendar.id, times),
  };
};

/** Whether the person wants to be reminded again of what was due lately: then its title needs no saying. */
async function isReminded(ctx: CallCtx, title: string): Promise<boolean> {
  const { now, message } = ctx.call;
  if (message === null || !AGAIN_WORDS.test(message.content)) return false;
  const window = { from: new Date(now - DAY_MS).toISOString(), to: new Date(now + MINUTE_MS).toISOString() };
  const { items } = JSON.parse((await viewSchedules(ctx, { ...window, limit: 200 })).json) as z.infer<typeof viewPage>;
  return items.some((item) => item.title === title && item.organiser_user_id === ctx.actor.user_id);
}

async function write(
  ctx: CallCtx,
  { title }: ToolArguments<'set_reminder'>,
  calendar_id: string,
  times: { starts_local: string; duration_seconds: number; time_zone: string; rrule: string | undefined },
): Promise<Done> {
  const { result: schedule } = await createSchedule(verbCtx(ctx), {
    calendar_id,
    title,
    ...times,
    transparency: 'transparent',
  });
  // Who asks for it in a conversation need not have anything open when it is due.
  const due = { minutes_before: 0, channels: ['in_app' as const, 'email' as const] };
  await createReminder(verbCtx(ctx, 'remind'), { schedule_id: schedule.id, ...due });
  const { id, starts_local, time_zone, rrule } = schedule;
  return {
    result: { schedule_id: id, title, at: starts_local, time_zone, ...(rrule !== null && { rrule }) },
    undo: { tool: 'delete_schedule', arguments: { schedule_id: id } },
  };
}
