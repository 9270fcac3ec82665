import { z } from 'zod';
import { id, timestamp } from '../platform/schemas.ts';

/** Characters of a file to import: of ASCII so many bytes. */
export const MAX_ICS = 4_194_304;

export const importCalendarBody = z
  .strictObject({
    ics: z.string().min(1).max(MAX_ICS).describe('iCalendar (RFC 5545), a file or what was pasted; UTF-8'),
  })
  .meta({ id: 'ImportCalendar' });

const importProblem = z
  .strictObject({
    uid: z.string().nullable(),
    line: z.int().describe('Where the event begins in the file, from 1'),
    code: z.string(),
    message: z.string(),
    skipped: z.boolean().describe('The event was left out; otherwise it was taken without what the message names'),
  })
  .meta({ id: 'ImportProblem' });

export const importedCalendar = z
  .strictObject({
    name: z.string().nullable().describe('What the file calls itself'),
    created: z.int(),
    updated: z.int().describe('Schedules whose UID was in the calendar, and that the file has otherwise'),
    unchanged: z.int(),
    problems: z.array(importProblem).describe('At most 500'),
  })
  .meta({ id: 'ImportedCalendar' });
export type ImportedCalendar = z.infer<typeof importedCalendar>;

const feedFields = {
  calendar_id: id,
  created_at: timestamp,
  last_read_at: timestamp.nullable().describe('To the hour; null: by nobody yet'),
};
export const calendarFeed = z.strictObject(feedFields).meta({ id: 'CalendarFeed' });
export type CalendarFeed = z.infer<typeof calendarFeed>;

export const newCalendarFeed = z
  .strictObject({
    ...feedFields,
    url: z
      .string()
      .describe('For a calendar program to subscribe to. Shown this once; whoever has it reads what you may read'),
  })
  .meta({ id: 'NewCalendarFeed' });

export const icsCalendarRef = z.strictObject({ calendar_id: id });
export const importCalendarInput = importCalendarBody.extend(icsCalendarRef.shape);
