import type { ImportedFile } from './rules/ics-types.ts';

/** Reads iCalendar, which comes from anywhere. */
export interface IcsReader {
  /**
   * What a file says. `time_zone`: of the calendar that it is for; `owner`: who asks, so that nobody takes the reader from others.
   * Throws IcsRefused for what is no calendar or too much of one, AppError `calendar.import_busy` and `calendar.import_unavailable`.
   */
  read(text: string, time_zone: string, owner: string): Promise<ImportedFile>;
}
