import type { Db } from '@potentia/db/client';
import {
  type ExportedCalendarRow,
  listExportedCalendars,
  listExportedSchedules,
  openExportedCalendar,
} from '@potentia/db/workspace/transfer-queries';
import { frameCalendar, printSchedule, type WrittenSchedule } from '../calendar/rules/ics-write.ts';
import { vtimezone } from '../calendar/rules/vtimezone.ts';
import { fromDb } from '../platform/db-errors.ts';
import { calendarPath } from './rules/transfer-paths.ts';
import { orProblem, type Progress, type TransferUserCtx } from './transfer-job.ts';
import type { ManifestCalendar } from './transfer-manifest.ts';
import type { ZipWriter } from './zip-writer.ts';

const CALENDARS_PAGE = 500;
/** Schedules of one statement. */
const PAGE = 100;
/** UTF-16 units of one file: of any text fewer bytes than an import takes of one. */
const MAX_FILE = 16_000_000;

/** What all steps of one export share. */
export interface ExportJob {
  ctx: TransferUserCtx;
  /** As the job: whoever may export a workspace need not subscribe to the calendars in it. */
  job_db: Db;
  transfer_id: string;
  workspace_id: string;
  zip: ZipWriter;
  progress: Progress;
}

/** Every calendar of the workspace. */
export async function* eachCalendar({
  job_db,
  transfer_id,
}: Pick<ExportJob, 'job_db' | 'transfer_id'>): AsyncGenerator<ExportedCalendarRow, void, void> {
  let after_id: string | null = null;
  do {
    const position = { transfer_id, after_id, limit: CALENDARS_PAGE };
    const page: ExportedCalendarRow[] = await fromDb(() => listExportedCalendars(job_db, position));
    yield* page;
    after_id = page.length < CALENDARS_PAGE ? null : (page.at(-1)?.id ?? null);
  } while (after_id !== null);
}

/** Writes each calendar as iCalendar, whole: in one file, and one that is very large in several. */
export async function exportCalendars(job: ExportJob): Promise<ManifestCalendar[]> {
  const { ctx, workspace_id, progress, zip } = job;
  const calendars: ManifestCalendar[] = [];
  for await (const calendar of eachCalendar(job)) {
    const path = calendarPath(calendar);
    await orProblem(ctx, workspace_id, { path, progress }, async () => {
      const paths: string[] = [];
      for await (const text of printFiles(job, calendar)) {
        const file = calendarPath(calendar, paths.length + 1);
        await zip.add(file, text, { mtime: new Date(calendar.updated_at), compress: true });
        paths.push(file);
      }
      const { id, name, description, color, time_zone, is_exclusive } = calendar;
      calendars.push({ id, path, continued: paths.slice(1), name, description, color, time_zone, is_exclusive });
    });
    await progress.step();
  }
  return calendars;
}

/** The files of a calendar, each a whole iCalendar. What is in one is in memory, since nothing mends a file that breaks off. */
async function* printFiles(job: ExportJob, calendar: ExportedCalendarRow): AsyncGenerator<string, void, void> {
  const { ctx, job_db, transfer_id, progress } = job;
  const { id: calendar_id } = calendar;
  const { request_id } = ctx;
  const zones = await fromDb(() => openExportedCalendar(job_db, { transfer_id, calendar_id, request_id }));
  const now = ctx.clock().getTime();
  const { begin, end } = frameCalendar(
    calendar,
    zones.map((zone) => vtimezone(zone, now)).filter((component) => component !== null),
  );
  let parts = [begin];
  let units = begin.length;
  for await (const { uid, text } of printSchedules(job, calendar_id)) {
    if (text.length > MAX_FILE) {
      const message = `The schedule ${uid} is too large for a file, and is not in it`;
      progress.problem(calendarPath(calendar), { code: 'transfer.schedule_too_large', message });
      continue;
    }
    if (units + text.length > MAX_FILE && parts.length > 1) {
      yield [...parts, end].join('');
      parts = [begin];
      units = begin.length;
    }
    parts.push(text);
    units += text.length;
  }
  yield [...parts, end].join('');
}

async function* printSchedules(
  { job_db, transfer_id, progress }: ExportJob,
  calendar_id: string,
): AsyncGenerator<{ uid: string; text: string }, void, void> {
  let after_id: string | null = null;
  do {
    const position = { transfer_id, calendar_id, after_id, limit: PAGE };
    const page: { id: string; item: WrittenSchedule }[] = await fromDb(() =>
      listExportedSchedules<WrittenSchedule>(job_db, position),
    );
    for (const { item } of page) yield { uid: item.uid, text: printSchedule(item) };
    after_id = page.length < PAGE ? null : (page.at(-1)?.id ?? null);
    await progress.beat();
  } while (after_id !== null);
}
