import type { ChangedSchedule, ScheduleDetail } from '../../calendar/schedule-schemas.ts';
import { startOf } from '../../calendar/schedule-times.ts';
import { instantOf, localOf } from './local-times.ts';
import type { CallCtx, Undo } from './tool.ts';

interface Where {
  schedule_id: string;
  scope?: 'this' | 'following' | 'all' | undefined;
  recurrence_id?: string | undefined;
}

interface Patch {
  title?: string;
  location?: string;
  description?: string;
  rrule?: string;
  duration_seconds?: number;
  starts_local?: string;
}

/** A wall clock of the person's zone on the clocks of the schedule's. All-day and floating ones have none. */
export function localInZoneOf({ call }: CallCtx, schedule: ScheduleDetail, local: string): string {
  if (schedule.time_zone === null || !local.includes('T') || schedule.time_zone === call.time_zone) return local;
  return localOf(instantOf(local, call.time_zone), schedule.time_zone);
}

/**
 * The same change backwards, as long as nobody changes it further. Null where there is none: what was cut off becomes no part of its
 * series again.
 */
export function undoOf(before: ScheduleDetail, where: Where, patch: Patch, after: ChangedSchedule): Undo | null {
  if (where.scope === 'following' || after.cut_off !== null) return null;
  const { recurrence_id } = where;
  const own = before.overrides.find((override) => override.recurrence_id === recurrence_id);
  const was: Required<{ [Key in keyof Patch]: unknown }> = {
    title: own?.title ?? before.title,
    location: own?.location ?? before.location,
    description: own?.description ?? before.description,
    rrule: before.rrule,
    duration_seconds: own?.duration_seconds ?? before.duration_seconds,
    starts_local: startOf(before, recurrence_id ?? null, before.is_all_day),
  };
  const back = Object.fromEntries(Object.keys(patch).map((key) => [key, was[key as keyof Patch]]));
  return {
    tool: 'update_schedule',
    arguments: { ...where, ...back, version: after.version, to_version: before.version },
  };
}
