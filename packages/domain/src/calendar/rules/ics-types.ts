import type { JcalProperty } from './ics-components.ts';
import type { GuestResponse, OccurrenceResponse } from './responses.ts';
import type { LocalTime, Series } from './series.ts';

/** What ICS says of one occurrence that differs; null: as the series has it. */
export interface IcsOverride {
  recurrence_id: LocalTime;
  is_cancelled: boolean;
  starts_local: LocalTime | null;
  duration_seconds: number | null;
  title: string | null;
  description: string | null;
  location: string | null;
  url: string | null;
  status: IcsStatus | null;
  transparency: 'opaque' | 'transparent' | null;
  ics_properties: JcalProperty[] | null;
}

export type IcsStatus = 'confirmed' | 'tentative' | 'cancelled';

export interface IcsGuest {
  email: string;
  name: string | null;
  is_optional: boolean;
  /** To the whole series. */
  response: GuestResponse;
  /** Where the answer to an occurrence is another. */
  responses: OccurrenceResponse[];
}

/** A VALARM: before the start, or at a time of day so many days before the day of the start. */
export interface IcsReminder {
  minutes_before: number | null;
  local_time: string | null;
  days_before: number | null;
  channels: ('in_app' | 'email')[];
  applies_to: 'all' | 'this' | 'following';
  recurrence_id: LocalTime | null;
  /** Ends before this occurrence. */
  until_recurrence_id: LocalTime | null;
  /** Occurrences that it leaves out. */
  skips: LocalTime[];
}

/** A schedule as ICS carries it: a VEVENT with the VEVENTs of its overrides. */
export interface IcsSchedule extends Omit<Series, 'overrides'> {
  uid: string;
  title: string;
  description: string | null;
  location: string | null;
  url: string | null;
  color: string | null;
  status: IcsStatus;
  transparency: 'opaque' | 'transparent';
  visibility: 'default' | 'private';
  overrides: IcsOverride[];
  guests: IcsGuest[];
  reminders: IcsReminder[];
  /** Properties that we have no column for, as jCal: an export gives them back. */
  ics_properties: JcalProperty[] | null;
}

/** Something of a file that was not taken over, or not as it stands. */
export interface IcsProblem {
  uid: string | null;
  /** Where it begins in the file, from 1. */
  line: number;
  code: string;
  message: string;
  /** Whether the whole schedule was left out. */
  skipped: boolean;
}

export interface IcsFile {
  name: string | null;
  schedules: IcsSchedule[];
  problems: IcsProblem[];
}

/** A schedule that can be stored: its series was expanded, and ends somewhere or does not. */
export interface ImportedSchedule extends IcsSchedule {
  /** ISO 8601, UTC. */
  first_at: string;
  last_at: string | null;
}

export type ImportedFile = Omit<IcsFile, 'schedules'> & { schedules: ImportedSchedule[] };
