/**
 * A wall clock without a zone: `2026-03-01T09:00:00`, of an all-day schedule `2026-03-01`. Years 1900 to 2100.
 * What identifies an occurrence (`recurrence_id`) is such a time: the start that the rule gives it, in the schedule's zone.
 */
export type LocalTime = string;

/** One occurrence that differs from its series; null: as the series has it. */
export interface Override {
  recurrence_id: LocalTime;
  is_cancelled: boolean;
  starts_local: LocalTime | null;
  duration_seconds: number | null;
}

/** Everything that the occurrences of a schedule follow from. */
export interface Series {
  starts_local: LocalTime;
  /** IANA; null: floating, or all day. */
  time_zone: string | null;
  is_all_day: boolean;
  /** Exact seconds; all day: whole days, which are nominal. */
  duration_seconds: number;
  /** As `normaliseRule` prints it, without DTSTART; null: once, and at each of `rdates`. */
  rrule: string | null;
  rdates: LocalTime[];
  exdates: LocalTime[];
  overrides: Override[];
}

/** One occurrence. Epoch milliseconds; of floating and all-day series the wall clock, read as UTC. */
export interface Occurrence {
  recurrence_id: LocalTime;
  starts_at: number;
  ends_at: number;
  is_override: boolean;
}

/** Epoch milliseconds, `to` exclusive. */
export interface Window {
  from: number;
  to: number;
}
