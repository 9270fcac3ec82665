import type { LocalTime } from './series.ts';

/** A row of schedule_overrides in which an occurrence is as the series has it, to be changed. */
export const unchangedOccurrence = (recurrence_id: LocalTime) => ({
  recurrence_id,
  is_cancelled: false,
  starts_local: null,
  duration_seconds: null,
  title: null,
  description: null,
  location: null,
  url: null,
  status: null,
  transparency: null,
  ics_properties: null,
});
