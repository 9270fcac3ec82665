import type { IcsFile, IcsSchedule } from './rules/ics-types.ts';

/** A schedule that can be stored: its series was expanded, and ends somewhere or does not. */
export interface ImportedSchedule extends IcsSchedule {
  /** ISO 8601, UTC. */
  first_at: string;
  last_at: string | null;
}

export type ImportedFile = Omit<IcsFile, 'schedules'> & { schedules: ImportedSchedule[] };

/** Reads iCalendar, which comes from anywhere. */
export interface IcsReader {
  /**
   * What a file says. `time_zone`: of the calendar that it is for; `owner`: who asks, so that nobody takes the reader from others.
   * Throws IcsRefused for what is no calendar or too much of one, AppError `calendar.import_busy` and `calendar.import_unavailable`.
   */
  read(text: string, time_zone: string, owner: string): Promise<ImportedFile>;
}
