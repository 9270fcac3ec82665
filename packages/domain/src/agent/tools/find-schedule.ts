import { isCalendarShared } from '@potentia/db/agent/tool-call-queries';
import { getSchedule } from '../../calendar/get-schedule.ts';
import type { ScheduleDetail } from '../../calendar/schedule-schemas.ts';
import { startOf } from '../../calendar/schedule-times.ts';
import { fromDb } from '../../platform/db-errors.ts';
import { say, sayRule, sayTime } from '../rules/tool-summary.ts';
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
