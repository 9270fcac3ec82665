/** `2026-03-01T09:00:00`, of an all-day schedule `2026-03-01`. */
type LocalTime = string;

export type ScheduleStatus = 'confirmed' | 'tentative' | 'cancelled';
export type Transparency = 'opaque' | 'transparent';

/** What the occurrences of one override follow from, and whether they make busy. */
export interface SeriesOverrideRow {
  recurrence_id: LocalTime;
  is_cancelled: boolean;
  starts_local: LocalTime | null;
  duration_seconds: number | null;
  status: ScheduleStatus | null;
  transparency: Transparency | null;
}

/** What `app.series_json` makes: as it is, the `Series` that the rules of the domain expand. */
export interface SeriesRow {
  starts_local: LocalTime;
  /** IANA; null: floating, or all day. */
  time_zone: string | null;
  is_all_day: boolean;
  duration_seconds: number;
  rrule: string | null;
  rdates: LocalTime[];
  exdates: LocalTime[];
  overrides: SeriesOverrideRow[];
}

/** What `app.override_json` makes: everything that one occurrence has of its own; null: as the series has it. */
export interface OverrideRow extends SeriesOverrideRow {
  title: string | null;
  description: string | null;
  location: string | null;
  url: string | null;
}
