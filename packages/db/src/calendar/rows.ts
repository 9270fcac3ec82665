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

export type GuestResponse = 'needs_action' | 'accepted' | 'declined' | 'tentative';

/** What `app.present_schedule` makes: a schedule as one reader has it. */
export interface ScheduleRow extends Omit<SeriesRow, 'overrides'> {
  id: string;
  workspace_id: string;
  calendar_id: string;
  uid: string;
  organiser_user_id: string;
  title: string;
  description: string | null;
  location: string | null;
  url: string | null;
  color: string | null;
  status: ScheduleStatus;
  transparency: Transparency;
  visibility: 'default' | 'private';
  first_at: string;
  last_at: string | null;
  sequence: number;
  role: 'viewer' | 'guest' | 'editor';
  guest_count: number;
  override_count: number;
  my_guest_id: string | null;
  my_response: GuestResponse | null;
  version: number;
  created_by: string;
  created_at: string;
  updated_at: string;
}

/** What `app.schedule_detail` makes. */
export interface ScheduleDetailRow extends ScheduleRow {
  overrides: OverrideRow[];
}
