import type { PlannedReminder, Scope } from './plan-types.ts';
import type { LocalTime } from './series.ts';

/** One reminder, without whose it is. */
export type ReminderParts = Omit<PlannedReminder, 'user_id'>;
export type ReminderPatch = {
  [Key in 'minutes_before' | 'local_time' | 'days_before' | 'channels']?: ReminderParts[Key] | undefined;
};

export interface ReminderEdit {
  scope: Scope;
  /** Null with `all`. */
  recurrence_id: LocalTime | null;
  /** Nothing is before it. */
  is_first: boolean;
}

/** Another one takes over the occurrences that `left` no longer has. Null: none is left. */
export interface EditedReminder {
  left: ReminderParts | null;
  taken: ReminderParts | null;
}

/**
 * A reminder with a change of some of its occurrences (`patch` null: it is deleted for them). For one of several it leaves that one
 * out, for one and those after it ends there; what changes is a reminder of its own, `new_id`. Null: it is not of that occurrence.
 */
export function editReminder(
  reminder: ReminderParts,
  { scope, recurrence_id, is_first }: ReminderEdit,
  patch: ReminderPatch | null,
  new_id: string,
): EditedReminder | null {
  const patched = patch && patchReminder(reminder, patch);
  const whole: EditedReminder = { left: patched, taken: null };
  if (scope === 'all' || recurrence_id === null) return whole;
  const { applies_to, until_recurrence_id, skips } = reminder;
  const begins = reminder.recurrence_id;
  if (applies_to === 'this') return begins === recurrence_id ? whole : null;
  const is_over = until_recurrence_id !== null && recurrence_id >= until_recurrence_id;
  if (is_over || (begins !== null && recurrence_id < begins)) return null;
  if (scope === 'this') {
    if (skips.includes(recurrence_id)) return null;
    const taken = patched && {
      ...patched,
      id: new_id,
      applies_to: scope,
      recurrence_id,
      until_recurrence_id: null,
      skips: [],
    };
    return { left: { ...reminder, skips: [...skips, recurrence_id].toSorted() }, taken };
  }
  if (is_first || begins === recurrence_id) return whole;
  const left = { ...reminder, until_recurrence_id: recurrence_id, skips: skips.filter((name) => name < recurrence_id) };
  const later = skips.filter((name) => name >= recurrence_id);
  const taken = patched && { ...patched, id: new_id, applies_to: scope, recurrence_id, skips: later };
  return { left, taken };
}

/** Minutes before the start, or a time of day: what is given of one ends the other. */
export function patchReminder(reminder: ReminderParts, patch: ReminderPatch): ReminderParts {
  const channels = patch.channels ?? reminder.channels;
  if (patch.minutes_before != null) {
    return { ...reminder, channels, minutes_before: patch.minutes_before, local_time: null, days_before: null };
  }
  const local_time = patch.local_time ?? reminder.local_time;
  if (local_time === null) return { ...reminder, channels };
  return {
    ...reminder,
    channels,
    minutes_before: null,
    local_time,
    days_before: patch.days_before ?? reminder.days_before ?? 0,
  };
}
