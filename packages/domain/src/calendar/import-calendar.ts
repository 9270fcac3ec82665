import { beginImport, importSchedules, type ImportCounts } from '@potentia/db/calendar/ics-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { newId } from '../platform/uuid.ts';
import type { IcsReader } from './ics.ts';
import { importCalendarInput, type ImportedCalendar } from './ics-schemas.ts';
import { IcsRefused } from './rules/ics-times.ts';

/** Schedules of one transaction: it holds the calendar's lock. */
const CHUNK = 250;

/**
 * Takes the events of an iCalendar file over into a calendar, by their UIDs: the same file again changes nothing, a newer one what it
 * changes. Guests that came with a file are not told; whom we invited hears what a newer file changes. What cannot be taken over is
 * named, and keeps nothing else back. Should it end half-way, the same file again does the rest. Throws `calendar.not_found`,
 * `calendar.forbidden` (editors may), `calendar.exclusive`, `calendar.full`, `calendar.import_refused` (no iCalendar, or too much of
 * it), `calendar.import_busy`.
 */
export async function importCalendar(
  ctx: UserCtx & { ics: IcsReader },
  input: z.input<typeof importCalendarInput>,
): Promise<ImportedCalendar> {
  const { calendar_id, ics } = parseInput(importCalendarInput, input);
  const { user_id } = ctx.actor;
  // Before the work of reading it: whoever may not import has none done.
  const time_zone = await fromDb(() => beginImport(ctx.db, { user_id, calendar_id }));
  const { name, schedules, problems } = await ctx.ics.read(ics, time_zone, user_id).catch((error: unknown) => {
    throw error instanceof IcsRefused ? refused(error) : error;
  });
  const counts: ImportCounts = { created: 0, updated: 0, unchanged: 0 };
  for (let from = 0; from < schedules.length; from += CHUNK) {
    const items = schedules.slice(from, from + CHUNK).map((schedule) => ({ id: newId(), ...schedule }));
    const done = await fromDb(() =>
      importSchedules(ctx.db, { user_id, calendar_id, items, request_id: ctx.request_id }),
    );
    counts.created += done.created;
    counts.updated += done.updated;
    counts.unchanged += done.unchanged;
  }
  if (counts.created + counts.updated > 0) publishOutboxHint(ctx);
  return { name, ...counts, problems };
}

const refused = ({ message }: IcsRefused): AppError =>
  new AppError('invalid', 'calendar.import_refused', message, { errors: [{ pointer: '/ics', message }] });
