import { createReminder } from '../../calendar/create-reminder.ts';
import { createSchedule as createScheduleVerb } from '../../calendar/create-schedule.ts';
import { normaliseFor } from '../../calendar/schedule-rule.ts';
import type { CreatedSchedule } from '../../calendar/schedule-schemas.ts';
import { parseLocal } from '../../calendar/rules/zones.ts';
import { readNewTimes } from '../../calendar/schedule-times.ts';
import { type Locale, quote, quoteWritten, say, sayRule, sayTime } from '../rules/tool-summary.ts';
import { invalidField } from '../../platform/parse.ts';
import type { ToolArguments } from '../tool-schemas.ts';
import { findCalendar } from './find-calendar.ts';
import { localOf } from './local-times.ts';
import { type CallCtx, type Done, type Planner, verbCtx } from './tool.ts';

const HOUR_SECONDS = 3_600;
/** Characters of the addresses of whom is invited. */
const MAX_INVITED = 700;

/** Something in a calendar, with its guests and the person's reminder. */
export const createSchedule: Planner<'create_schedule'> = async (ctx, args) => {
  const { calendar, is_shared, is_default } = await findCalendar(ctx, args.calendar);
  const guests = args.guests ?? [];
  const times = timesOf(args, ctx.call.time_zone);
  // For what it refuses, before anybody is asked.
  const series = normaliseFor(readNewTimes(times, calendar.time_zone));
  const { locale } = ctx.call;
  const rule = series.rrule === null ? '' : `, ${sayRule(series.rrule, series, locale)}`;
  const when = `${sayTime(series.starts_local, series.time_zone, locale)}${rule}`;
  if (guests.join(', ').length > MAX_INVITED) throw invalidField('/guests', 'Too many to be shown at once');
  const seen = is_shared ? say(locale, ' (others see it)', ' (dilihat orang lain)') : '';
  const more = describeMore(args, locale);
  return {
    arguments: { ...args, calendar: calendar.id },
    summary: say(
      locale,
      `Add ${quote(args.title)} to the calendar ${quote(calendar.name)}${seen}: ${when}${more}`,
      `Menambahkan ${quote(args.title)} ke kalender ${quote(calendar.name)}${seen}: ${when}${more}`,
    ),
    write: {
      intent: 'create_schedule',
      texts: [args.title, args.location ?? '', args.description ?? ''],
      things: is_default ? [] : [{ id: calendar.id, words: calendar.name }],
      repeats: args.rrule !== undefined,
      timing: { starts_local: args.starts_local, length: lengthOf(args), rrule: args.rrule },
      affects_others: is_shared || guests.length > 0,
    },
    run: () => write(ctx, args, calendar.id, times),
  };
};

/** What there is beside title and start: nobody confirms what they do not see. */
function describeMore(args: ToolArguments<'create_schedule'>, locale: Locale): string {
  const { location, description, ends_local, duration_minutes, guests = [] } = args;
  return [
    ends_local === undefined
      ? ''
      : say(locale, `until ${sayTime(ends_local, null, locale)}`, `sampai ${sayTime(ends_local, null, locale)}`),
    duration_minutes === undefined ? '' : say(locale, `${duration_minutes} minutes`, `${duration_minutes} menit`),
    location === undefined ? '' : say(locale, `location ${quote(location)}`, `lokasi ${quote(location)}`),
    description === undefined
      ? ''
      : say(locale, `description ${quoteWritten(description)}`, `keterangan ${quoteWritten(description)}`),
    guests.length === 0 ? '' : say(locale, `inviting ${guests.join(', ')}`, `mengundang ${guests.join(', ')}`),
  ]
    .filter((part) => part !== '')
    .map((part) => `, ${part}`)
    .join('');
}

type Times = ReturnType<typeof timesOf>;

/** Minutes, as far as they are given. */
const lengthOf = ({ starts_local, ends_local, duration_minutes }: ToolArguments<'create_schedule'>) =>
  ends_local === undefined ? duration_minutes : (parseLocal(ends_local) - parseLocal(starts_local)) / 60_000;

function timesOf(args: ToolArguments<'create_schedule'>, zone: string) {
  const { starts_local, ends_local, duration_minutes, rrule } = args;
  const is_all_day = !starts_local.includes('T');
  const given = duration_minutes === undefined ? undefined : duration_minutes * 60;
  const duration_seconds = ends_local === undefined ? (given ?? (is_all_day ? undefined : HOUR_SECONDS)) : given;
  return { starts_local, ends_local, duration_seconds, rrule, ...(!is_all_day && { time_zone: zone }) };
}

async function write(
  ctx: CallCtx,
  { title, location, description, guests = [], reminder_minutes_before }: ToolArguments<'create_schedule'>,
  calendar_id: string,
  times: Times,
): Promise<Done> {
  const { result: schedule } = await createScheduleVerb(verbCtx(ctx), {
    calendar_id,
    title,
    location,
    description,
    ...times,
    guests: guests.map((email) => ({ email })),
  });
  if (reminder_minutes_before !== undefined) {
    const reminder = { schedule_id: schedule.id, minutes_before: reminder_minutes_before };
    await createReminder(verbCtx(ctx, 'remind'), reminder);
  }
  return {
    result: presentSchedule(ctx, schedule),
    undo: { tool: 'delete_schedule', arguments: { schedule_id: schedule.id } },
  };
}

/** What is said of a schedule that was written. */
export function presentSchedule(ctx: CallCtx, schedule: CreatedSchedule): object {
  const { id, title, starts_local, time_zone, rrule, location, conflicts } = schedule;
  return {
    schedule_id: id,
    title,
    starts_local,
    time_zone,
    ...(rrule !== null && { rrule }),
    ...(location !== null && { location }),
    conflicts: conflicts?.map(({ starts_at, ends_at, occurrence }) => ({
      starts_local: localOf(starts_at, ctx.call.time_zone),
      ends_local: localOf(ends_at, ctx.call.time_zone),
      title: occurrence?.title ?? null,
    })),
  };
}
