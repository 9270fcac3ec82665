import { changeOccurrence, dropOccurrence } from './edit-occurrence.ts';
import { findOccurrence } from './expand.ts';
import { noneLost } from './keep-named.ts';
import {
  type Edit,
  type Lost,
  type Plan,
  type PlanIds,
  type PlannedSchedule,
  PlanRefused,
  type ScheduleFields,
  type SchedulePatch,
  type ScheduleWrite,
} from './plan-types.ts';
import { isRecurring } from './series-frame.ts';
import type { LocalTime } from './series.ts';
import { changeSeries, sameTimes } from './shift-series.ts';
import { type CutGuest, isFirst, splitSeries } from './split-series.ts';

/**
 * What an edit comes to. Pure. Throws `PlanRefused`: `schedule.occurrence_not_found`, `schedule.not_per_occurrence` (a field that
 * only a whole series has), `schedule.start_not_in_rule`, `schedule.no_occurrence`, `schedule.rule_not_divisible`,
 * `schedule.too_many_exceptions`, `schedule.out_of_range`, `schedule.rule_refused` (it would be too long); and what `expand.ts` throws of a rule that is too much work.
 */
export function planEdit(current: PlannedSchedule, edit: Edit, ids: PlanIds): Plan {
  const name = edit.recurrence_id === null ? null : nameOccurrence(current, edit.recurrence_id);
  if (edit.scope !== 'all' && name === null) {
    throw new PlanRefused(
      'invalid',
      'schedule.occurrence_unnamed',
      'Says of one occurrence, and not of which.',
      '/recurrence_id',
    );
  }
  const patch = withoutUndefined(edit.patch);
  if (name === null || edit.scope === 'all' || !isRecurring(current)) return planAll(current, edit, patch, name);
  if (edit.scope === 'following') {
    return isFirst(current, name)
      ? planAll(current, edit, patch, name)
      : planFollowing(current, edit, patch, name, ids);
  }
  if (edit.kind !== 'delete') return planOf(current, changeOccurrence(current, patch, name), noneLost());
  const { schedule, lost } = dropOccurrence(current, name);
  return schedule ? planOf(current, schedule, lost) : planDeletion(current);
}

/** Every occurrence has one name: the first of those times that a gap of the clock makes one instant. */
function nameOccurrence(current: PlannedSchedule, recurrence_id: LocalTime): LocalTime {
  const occurrence = findOccurrence(current, recurrence_id);
  if (occurrence) return occurrence.recurrence_id;
  throw new PlanRefused(
    'not_found',
    'schedule.occurrence_not_found',
    `The schedule has no occurrence ${recurrence_id}.`,
    '/recurrence_id',
  );
}

const withoutUndefined = (patch: SchedulePatch): SchedulePatch =>
  Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));

function planAll(current: PlannedSchedule, { kind }: Edit, patch: SchedulePatch, anchor: LocalTime | null): Plan {
  if (kind === 'delete') return planDeletion(current);
  const { schedule, lost, delta_ms } = changeSeries(current, patch, anchor);
  const plan = planOf(current, schedule, lost);
  return delta_ms === 0 ? plan : { ...plan, shift: { schedule_id: current.id, from: null, delta_ms } };
}

function planDeletion({ id, overrides, responses, reminders }: PlannedSchedule): Plan {
  return {
    schedules: [{ op: 'delete', id, occurrences_changed: true }],
    lost: { overrides, responses, reminders },
    occurrences_changed: true,
    shift: null,
  };
}

function planFollowing(
  current: PlannedSchedule,
  { kind }: Edit,
  patch: SchedulePatch,
  at: LocalTime,
  ids: PlanIds,
): Plan {
  const parts = splitSeries(current, at, ids);
  if (!parts) throw new Error('nothing is before the first occurrence');
  const { head, tail } = parts;
  if (kind === 'delete') return planOf(current, head, lostWith(current, at));
  const { schedule, lost, delta_ms } = changeSeries(tail, withoutSame(patch, current), at);
  if (JSON.stringify(schedule) === JSON.stringify(tail)) return planOf(current, current, noneLost());
  const plan = planOf(current, head, namedAsBefore(lost, tail.guests));
  return {
    ...plan,
    schedules: [...plan.schedules, creation(schedule, tail.guests)],
    shift: { schedule_id: schedule.id, from: at, delta_ms },
  };
}

/** A rule, or dates, that are given as they stand, are those of the part that is cut off: COUNT is what is left of it. */
const withoutSame = (patch: SchedulePatch, current: PlannedSchedule): SchedulePatch =>
  Object.fromEntries(
    Object.entries(patch).filter(
      ([key, value]) => !(OF_BOTH_PARTS.has(key) && same(value, current[key as keyof PlannedSchedule])),
    ),
  );
const OF_BOTH_PARTS = new Set(['rrule', 'rdates', 'exdates']);

const creation = (schedule: PlannedSchedule, guests: CutGuest[]): ScheduleWrite => ({
  op: 'create',
  id: schedule.id,
  fields: fieldsOf(schedule),
  overrides: schedule.overrides,
  guests,
  responses: schedule.responses,
  reminders: schedule.reminders,
  occurrences_changed: true,
});

/** What names occurrences from here on, and none before. */
function lostWith({ overrides, responses, reminders }: PlannedSchedule, at: LocalTime): Lost {
  const isLost = ({ recurrence_id }: { recurrence_id: LocalTime | null }) =>
    recurrence_id !== null && recurrence_id >= at;
  return {
    overrides: overrides.filter(isLost),
    responses: responses.filter(isLost),
    reminders: reminders.filter(isLost),
  };
}

function namedAsBefore(lost: Lost, guests: CutGuest[]): Lost {
  const before = new Map(guests.map(({ id, copy_of }) => [id, copy_of]));
  return {
    ...lost,
    responses: lost.responses.map((row) => ({ ...row, guest_id: before.get(row.guest_id) ?? row.guest_id })),
  };
}

/** The plan that makes of a schedule what it is to be; empty when it is that. */
function planOf(current: PlannedSchedule, next: PlannedSchedule, lost: Lost): Plan {
  const before = fieldsOf(current);
  const fields = fieldsOf(next);
  const changed = (Object.keys(fields) as (keyof ScheduleFields)[]).filter((key) => !same(before[key], fields[key]));
  const occurrences_changed = !sameTimes(current, next) || !same(placesOf(current), placesOf(next));
  const { id, overrides, responses, reminders } = next;
  const untouched =
    changed.length === 0 &&
    same(current.overrides, overrides) &&
    same(current.responses, responses) &&
    same(current.reminders, reminders);
  return {
    schedules: untouched
      ? []
      : [{ op: 'update', id, fields, changed, overrides, responses, reminders, occurrences_changed }],
    lost,
    occurrences_changed,
    shift: null,
  };
}

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** What of the overrides is written into instances: where they are, and that they are. */
const placesOf = ({ overrides }: PlannedSchedule): unknown[] =>
  overrides.map(({ recurrence_id, is_cancelled, starts_local, duration_seconds }) => [
    recurrence_id,
    is_cancelled,
    starts_local,
    duration_seconds,
  ]);

const fieldsOf = (schedule: PlannedSchedule): ScheduleFields => ({
  title: schedule.title,
  description: schedule.description,
  location: schedule.location,
  url: schedule.url,
  status: schedule.status,
  transparency: schedule.transparency,
  color: schedule.color,
  visibility: schedule.visibility,
  organiser_user_id: schedule.organiser_user_id,
  uid: schedule.uid,
  ics_properties: schedule.ics_properties,
  starts_local: schedule.starts_local,
  time_zone: schedule.time_zone,
  is_all_day: schedule.is_all_day,
  duration_seconds: schedule.duration_seconds,
  rrule: schedule.rrule,
  rdates: schedule.rdates,
  exdates: schedule.exdates,
});
