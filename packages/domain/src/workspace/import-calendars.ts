import { importSchedules } from '@potentia/db/calendar/ics-queries';
import { takeInBookedSchedules, type TakenCalendar, takeInCalendar } from '@potentia/db/workspace/transfer-queries';
import { bookingsOf } from '../calendar/book-schedule.ts';
import { splitIcs } from '../calendar/rules/ics-split.ts';
import { IcsRefused } from '../calendar/rules/ics-times.ts';
import type { ImportedSchedule } from '../calendar/rules/ics-types.ts';
import { isZone } from '../calendar/rules/zones.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { derivedId, newId } from '../platform/uuid.ts';
import { type ImportJob, orProblem } from './transfer-job.ts';
import type { ManifestCalendar } from './transfer-manifest.ts';

/** Bytes of one file. */
const MAX_CALENDAR_FILE = 64 * 1024 * 1024;
/** Schedules of one transaction: it holds the calendar's lock. */
const CHUNK = 250;

/** Where schedules go. */
interface Target extends TakenCalendar {
  calendar_id: string;
  time_zone: string;
  /** Of the file that they come from. */
  path: string;
}

/**
 * Makes a calendar of the importer's own, and writes its schedules into it by their UIDs: an import that died and begins again
 * finds what it made. Guests come as addresses and nobody is told, as with every import of iCalendar.
 */
export async function importCalendar(job: ImportJob, calendar: ManifestCalendar): Promise<void> {
  const { ctx, workspace_id, transfer_id, progress } = job;
  const calendar_id = derivedId('transfer.calendar', transfer_id, calendar.path);
  const { user_id } = ctx.actor;
  const { request_id } = ctx;
  const fields = takenFields(calendar);
  await orProblem(ctx, workspace_id, { path: calendar.path, progress }, async () => {
    await fromDb(() => takeInCalendar(ctx.db, { user_id, workspace_id, calendar_id, fields, request_id }));
    for (const path of [calendar.path, ...calendar.continued]) {
      const target = { ...fields, time_zone: fields.time_zone ?? 'UTC', calendar_id, path };
      for (const part of splitIcs(await job.zip.text(path, MAX_CALENDAR_FILE))) {
        await importPart(job, target, part);
        await progress.beat();
      }
    }
  });
  await progress.step();
}

/** What a manifest says, as far as a calendar may be so. */
function takenFields({ name, description, color, time_zone, is_exclusive }: ManifestCalendar): TakenCalendar {
  return {
    name: clean(name, 200) || 'Calendar',
    description: description === null ? null : clean(description, 2_000) || null,
    color: color !== null && /^#[0-9a-f]{6}$/i.test(color) ? color.toLowerCase() : null,
    time_zone: time_zone !== null && time_zone.length <= 64 && isZone(time_zone) ? time_zone : null,
    is_exclusive,
  };
}

const clean = (text: string, max: number): string =>
  Array.from(text.replaceAll('\0', '').toWellFormed().trim()).slice(0, max).join('').trim();

async function importPart(job: ImportJob, target: Target, text: string): Promise<void> {
  const { ctx, progress } = job;
  const { path } = target;
  const file = await ctx.ics.read(text, target.time_zone, ctx.actor.user_id).catch((error: unknown) => {
    if (!(error instanceof IcsRefused)) throw error;
    progress.problem(path, error);
    return null;
  });
  if (!file) return;
  for (const { uid, code, message } of file.problems) progress.problem(path, { code, message: named(uid, message) });
  for (let from = 0; from < file.schedules.length; from += CHUNK) {
    await writeSchedules(job, target, file.schedules.slice(from, from + CHUNK));
  }
}

const named = (uid: string | null, message: string): string => (uid === null ? message : `${uid}: ${message}`);

async function writeSchedules(
  { ctx, progress }: ImportJob,
  target: Target,
  schedules: ImportedSchedule[],
): Promise<void> {
  const { user_id } = ctx.actor;
  const { calendar_id, is_exclusive, path } = target;
  const { request_id } = ctx;
  const say = (uid: string, { code, message }: { code: string; message: string }) =>
    progress.problem(path, { code, message: named(uid, message) });
  const items = schedules.flatMap((schedule) => {
    const item = { ...schedule, id: newId() };
    if (!is_exclusive) return [item];
    try {
      return [{ ...item, bookings: bookingsOf(schedule, target) }];
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      say(schedule.uid, error);
      return [];
    }
  });
  if (!is_exclusive) {
    await fromDb(() => importSchedules(ctx.db, { user_id, calendar_id, items, request_id }));
    return;
  }
  const left_out = await fromDb(() => takeInBookedSchedules(ctx.db, { user_id, calendar_id, items, request_id }));
  for (const { uid, ...problem } of left_out) say(uid, problem);
}
