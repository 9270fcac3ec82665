import { expandSeries } from '../rules/expand.ts';
import type {
  Plan,
  PlanIds,
  PlannedGuest,
  PlannedOverride,
  PlannedReminder,
  PlannedResponse,
  PlannedSchedule,
} from '../rules/plan-types.ts';
import type { LocalTime, Series } from '../rules/series.ts';
import { unchangedOccurrence } from '../rules/unchanged-occurrence.ts';

/** A schedule as it is stored: by default every Monday 09:00 in New York, from 2 February 2026 on. */
export const planned = (fields: Partial<PlannedSchedule> = {}): PlannedSchedule => ({
  id: 's1',
  title: 'Standup',
  description: null,
  location: null,
  url: null,
  status: 'confirmed',
  transparency: 'opaque',
  color: null,
  visibility: 'default',
  organiser_user_id: 'u1',
  uid: 'uid1',
  ics_properties: null,
  starts_local: '2026-02-02T09:00:00',
  time_zone: 'America/New_York',
  is_all_day: false,
  duration_seconds: 3_600,
  rrule: 'FREQ=WEEKLY;BYDAY=MO',
  rdates: [],
  exdates: [],
  overrides: [],
  guests: [],
  responses: [],
  reminders: [],
  ...fields,
});

export const override = (recurrence_id: LocalTime, fields: Partial<PlannedOverride> = {}): PlannedOverride => ({
  ...unchangedOccurrence(recurrence_id),
  ...fields,
});

export const guest = (id: string, response: PlannedGuest['response'] = 'needs_action'): PlannedGuest => ({
  id,
  user_id: null,
  email: `${id}@example.test`,
  name: null,
  is_optional: false,
  response,
  comment: null,
  responded_at: null,
});

export const answer = (
  recurrence_id: LocalTime,
  applies_to: 'this' | 'following' = 'this',
  response: PlannedResponse['response'] = 'declined',
): PlannedResponse => ({
  guest_id: 'g1',
  recurrence_id,
  applies_to,
  response,
  responded_at: '2026-01-01T00:00:00.000Z',
});

export const reminder = (id: string, fields: Partial<PlannedReminder> = {}): PlannedReminder => ({
  id,
  user_id: 'u1',
  applies_to: 'all',
  recurrence_id: null,
  until_recurrence_id: null,
  skips: [],
  minutes_before: 10,
  local_time: null,
  days_before: null,
  channels: ['in_app'],
  ...fields,
});

/** Ids in the order in which they are asked for. */
export function countedIds(): PlanIds {
  let count = 0;
  return { new_id: () => `new${++count}` };
}

/** What stands once a plan is applied, in the order of the plan. */
export function applyPlan(current: PlannedSchedule, plan: Plan): PlannedSchedule[] {
  if (plan.schedules.length === 0) return [current];
  return plan.schedules.flatMap((write) => {
    if (write.op === 'delete') return [];
    const { id, overrides, responses, reminders } = write;
    const guests = write.op === 'create' ? write.guests : current.guests;
    return [{ ...write.fields, id, overrides, guests, responses, reminders }];
  });
}

/** When the first occurrences start, `name@instant`. */
export const startsOf = (series: Series, limit = 8): string[] =>
  occurrencesOf(series, limit).map((one) => `${one.recurrence_id}@${new Date(one.starts_at).toISOString()}`);

/** The first occurrences until 2034. */
export const occurrencesOf = (series: Series, limit: number) =>
  expandSeries(series, { from: Date.UTC(1990, 0, 1), to: Date.UTC(2034, 0, 1) }).slice(0, limit);
