import { exportSchedules, openExport, type ExportHead } from '@potentia/db/calendar/ics-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { icsCalendarRef } from './ics-schemas.ts';
import { frameCalendar, printSchedule, type WrittenSchedule } from './rules/ics-write.ts';
import { vtimezone } from './rules/vtimezone.ts';

/** Schedules that are in memory at once. Each page is a statement of its own, so that no slow reader holds a connection. */
const PAGE = 200;

export interface CalendarExport {
  name: string;
  /** Changes with everything that the text says. */
  stamp: string;
  /** The text, a page at a time, each read when it is asked for. */
  text(): AsyncGenerator<string, void, void>;
}

/**
 * A calendar as iCalendar (RFC 5545), as much of it as the reader may see: who has only free/busy gets times without titles. Of the
 * reminders their own. Throws `calendar.not_found`; so does a later page when the reader lost their access meanwhile.
 */
export async function exportCalendar(
  ctx: Pick<UserCtx, 'db' | 'actor' | 'clock'>,
  input: z.input<typeof icsCalendarRef>,
): Promise<CalendarExport> {
  const { calendar_id } = parseInput(icsCalendarRef, input);
  const { user_id } = ctx.actor;
  const head = await fromDb(() => openExport(ctx.db, { user_id, calendar_id }));
  return { name: head.calendar.name, stamp: head.stamp, text: () => print(ctx, calendar_id, head) };
}

async function* print(
  { db, actor, clock }: Pick<UserCtx, 'db' | 'actor' | 'clock'>,
  calendar_id: string,
  { calendar, time_zones }: ExportHead,
): AsyncGenerator<string, void, void> {
  const now = clock().getTime();
  const { begin, end } = frameCalendar(
    calendar,
    time_zones.map((zone) => vtimezone(zone, now)).filter((component) => component !== null),
  );
  yield begin;
  let after_id: string | null = null;
  do {
    const rows: { id: string; item: WrittenSchedule | null }[] = await fromDb(() =>
      exportSchedules<WrittenSchedule>(db, { user_id: actor.user_id, calendar_id, after_id, limit: PAGE }),
    );
    after_id = rows.length === PAGE ? (rows.at(-1)?.id ?? null) : null;
    yield rows.map(({ item }) => (item ? printSchedule(item) : '')).join('');
  } while (after_id !== null);
  yield end;
}
