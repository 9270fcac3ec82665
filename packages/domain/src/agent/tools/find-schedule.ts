import { isCalendarShared } from '@potentia/db/agent/tool-call-queries';
import { getSchedule } from '../../calendar/get-schedule.ts';
import type { ScheduleDetail } from '../../calendar/schedule-schemas.ts';
import { startOf } from '../../calendar/schedule-times.ts';
import { viewSchedules } from '../../calendar/view-schedules.ts';
import type { ViewItem } from '../../calendar/view-schemas.ts';
import { AppError } from '../../platform/errors.ts';
import { fromDb } from '../../platform/db-errors.ts';
import { timesSaid } from '../decide-write.ts';
import { ownTextOf } from '../rules/asked-for.ts';
import { isNamed, namedWords } from '../rules/own-words.ts';
import { isSaidWhen } from '../rules/said-when.ts';
import { say, sayRule, sayTime } from '../rules/tool-summary.ts';
import { instantOf, localOf } from './local-times.ts';
import type { CallCtx } from './tool.ts';

export interface FoundSchedule {
  schedule: ScheduleDetail;
  /** It has guests, somebody else organises it, or others see its calendar. */
  is_shared: boolean;
}

/** A schedule that the person reads, and whether others would notice a change of it. Throws `schedule.not_found`. */
export async function findSchedule(ctx: CallCtx, schedule_id: string): Promise<FoundSchedule> {
  const { user_id } = ctx.actor;
  const schedule = await getSchedule(ctx, { schedule_id });
  const has_guests = schedule.guest_count > (schedule.my_guest_id === null ? 0 : 1);
  const is_shared =
    has_guests ||
    schedule.organiser_user_id !== user_id ||
    // Who is a guest alone may not even see who subscribes.
    schedule.role !== 'editor' ||
    (await fromDb(() => isCalendarShared(ctx.db, { user_id, calendar_id: schedule.calendar_id })));
  return { schedule, is_shared };
}

/** When it begins, or one occurrence of it, on the person's clocks. */
export function beginsAt({ call }: CallCtx, schedule: ScheduleDetail, recurrence_id: string | undefined): string {
  const begins = startOf(schedule, recurrence_id ?? null, schedule.is_all_day);
  const { time_zone } = schedule;
  if (time_zone === null || !begins.includes('T') || time_zone === call.time_zone) return begins;
  return localOf(instantOf(begins, time_zone), call.time_zone);
}

const DAY_MS = 86_400_000;
/** How far ahead others are looked for that are called the same; on the days that are said, if any are. */
const DAYS = 92;

/** Whether the person's message names another schedule of theirs as well as this one. What cannot be looked through could. */
export async function isOneOfSeveral(
  ctx: CallCtx,
  schedule: ScheduleDetail,
  { on_days_said = false } = {},
): Promise<boolean> {
  const said = ownTextOf(ctx.call.message?.content ?? '');
  // They have chosen among several by the number.
  if (/\n\s*\d{1,2}\W*$/u.test(said)) return false;
  const { named } = namedWords(schedule.title, said);
  const { now, time_zone } = ctx.call;
  const window = { from: new Date(now - DAY_MS).toISOString(), to: new Date(now + DAYS * DAY_MS).toISOString() };
  try {
    const { json } = await viewSchedules(ctx, { ...window, time_zone, limit: 200 });
    const { items } = JSON.parse(json) as { items: ViewItem[] };
    const times = timesSaid(ctx);
    return items.some(
      ({ schedule_id, title, can_edit, starts_at, is_all_day }) =>
        schedule_id !== schedule.id &&
        can_edit &&
        title !== null &&
        isNamed(title, said) &&
        namedWords(title, said).named >= named &&
        (!on_days_said || isSaidWhen({ meant_local: local(starts_at, time_zone, is_all_day) }, times)),
    );
  } catch (error) {
    if (error instanceof AppError && error.kind !== 'unavailable') return true;
    throw error;
  }
}

const local = (starts_at: string, time_zone: string, is_all_day: boolean): string =>
  localOf(starts_at, time_zone).slice(0, is_all_day ? 10 : undefined);

interface Occurrences {
  scope?: 'this' | 'following' | 'all' | undefined;
  recurrence_id?: string | undefined;
}

/** When what is meant takes place, for the person: one occurrence, it and those after it, or all. */
export function sayOccurrences(
  { call }: CallCtx,
  schedule: ScheduleDetail,
  { scope, recurrence_id }: Occurrences,
): string {
  const { locale } = call;
  const { is_all_day, time_zone, rrule } = schedule;
  const begins = recurrence_id === undefined ? schedule.starts_local : startOf(schedule, recurrence_id, is_all_day);
  const time = sayTime(begins, time_zone, locale);
  if (rrule === null) return time;
  if (scope === 'this') return time;
  if (scope === 'following') return say(locale, `${time}, and all after it`, `${time}, dan semua sesudahnya`);
  return say(locale, `all: ${sayRule(rrule, schedule, locale)}`, `semua: ${sayRule(rrule, schedule, locale)}`);
}

/** `recurrence_id` in the form of its schedule: models write a day with midnight, or the other way round. */
export function nameOf(schedule: ScheduleDetail, recurrence_id: string | undefined): string | undefined {
  return schedule.is_all_day ? recurrence_id?.slice(0, 10) : recurrence_id;
}
