import { currentTraceparent } from '@potentia/config/telemetry';
import { callOne, type Queryable } from '../client.ts';

export type TransferKind = 'export' | 'import';

/** Why a transfer failed, or what of it could not be done. */
export interface TransferProblem {
  code: string;
  message: string;
}

/** An export or import of a workspace, as clients read it. */
export interface TransferRow {
  id: string;
  workspace_id: string;
  kind: TransferKind;
  status: 'awaiting_upload' | 'queued' | 'running' | 'finished' | 'failed';
  size: number | null;
  done: number;
  total: number | null;
  problems: (TransferProblem & { path: string })[];
  failure: TransferProblem | null;
  created_by: string;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  expires_at: string;
}

/** Who asks of which workspace. Below admin every query throws `workspace.not_found` or `workspace.forbidden`. */
export interface WorkspaceScope {
  user_id: string;
  workspace_id: string;
}

type TransferRef = WorkspaceScope & { transfer_id: string };

const one = async (db: Queryable, text: string, params: unknown[]): Promise<TransferRow> =>
  (await callOne<{ transfer: TransferRow }>(db, text, params)).transfer;

/** Queued at once. Throws `transfer.running`. */
export function createExport(
  db: Queryable,
  input: TransferRef & { object_key: string; request_id: string },
): Promise<TransferRow> {
  return one(db, 'select app.create_export($1, $2, $3, $4, $5, $6) as transfer', [
    input.user_id,
    input.workspace_id,
    input.transfer_id,
    input.object_key,
    input.request_id,
    currentTraceparent() ?? null,
  ]);
}

/** Waits for its file. */
export function createImport(
  db: Queryable,
  input: TransferRef & { object_key: string; size: number; request_id: string },
): Promise<TransferRow> {
  return one(db, 'select app.create_import($1, $2, $3, $4, $5, $6) as transfer', [
    input.user_id,
    input.workspace_id,
    input.transfer_id,
    input.object_key,
    input.size,
    input.request_id,
  ]);
}

/** Queues it, once; it acts as this person. Throws `transfer.not_found`, `transfer.running`. */
export function startImport(db: Queryable, input: TransferRef & { request_id: string }): Promise<TransferRow> {
  const { user_id, workspace_id, transfer_id, request_id } = input;
  const params = [user_id, workspace_id, transfer_id, request_id, currentTraceparent() ?? null];
  return one(db, 'select app.start_import($1, $2, $3, $4, $5) as transfer', params);
}

/** With the key of its file, null once that is given up. Throws `transfer.not_found`. */
export function getTransfer(
  db: Queryable,
  { user_id, workspace_id, kind, transfer_id }: TransferRef & { kind: TransferKind },
): Promise<{ transfer: TransferRow; object_key: string | null }> {
  return callOne(db, 'select * from app.get_transfer($1, $2, $3, $4)', [user_id, workspace_id, kind, transfer_id]);
}

export interface TransferList extends WorkspaceScope {
  kind: TransferKind;
  /** Where the last page ended; both null at the beginning. */
  before_at: string | null;
  before_id: string | null;
  limit: number;
}

/** Newest first. */
export async function listTransfers(db: Queryable, input: TransferList): Promise<TransferRow[]> {
  const rows = await db.call<{ transfer: TransferRow }>(
    'select transfer from app.list_transfers($1, $2, $3, $4, $5, $6)',
    [input.user_id, input.workspace_id, input.kind, input.before_at, input.before_id, input.limit],
  );
  return rows.map(({ transfer }) => transfer);
}

export interface WorkspaceCanvasRow {
  id: string;
  title: string;
  icon: string | null;
  is_archived: boolean;
  updated_at: string;
  /** How many files it has. */
  attachments: number;
}

/** Every canvas of a workspace, by id, after `after_id`. */
export function listWorkspaceCanvases(
  db: Queryable,
  { user_id, workspace_id, after_id, limit }: WorkspaceScope & { after_id: string | null; limit: number },
): Promise<WorkspaceCanvasRow[]> {
  return db.call('select * from app.list_workspace_canvases($1, $2, $3, $4)', [user_id, workspace_id, after_id, limit]);
}

/** Makes a canvas under this id unless it is there. */
export function importCanvas(
  db: Queryable,
  input: WorkspaceScope & { canvas_id: string; title: string; icon: string | null; request_id: string },
): Promise<{ is_archived: boolean }> {
  return callOne(db, 'select app.import_canvas($1, $2, $3, $4, $5, $6) as is_archived', [
    input.user_id,
    input.workspace_id,
    input.canvas_id,
    input.title,
    input.icon,
    input.request_id,
  ]);
}

/** What a calendar is taken in with; null: as a new one has it. */
export interface TakenCalendar {
  name: string;
  description: string | null;
  color: string | null;
  time_zone: string | null;
  is_exclusive: boolean;
}

/** Makes a calendar under this id unless it is there. Throws `calendar.too_many`, `subscription.too_many`. */
export async function takeInCalendar(
  db: Queryable,
  input: WorkspaceScope & { calendar_id: string; fields: TakenCalendar; request_id: string },
): Promise<void> {
  const { user_id, workspace_id, calendar_id, fields, request_id } = input;
  const params = [user_id, workspace_id, calendar_id, fields, request_id, currentTraceparent() ?? null];
  await db.call('select app.take_in_calendar($1, $2, $3, $4, $5, $6)', params);
}

/**
 * Writes schedules into a calendar whose schedules never overlap, by their UIDs; `items` are what `importSchedules` takes, with
 * `bookings`. Answers those that were left out since their time is taken. One transaction. Throws `calendar.not_found`.
 */
export function takeInBookedSchedules(
  db: Queryable,
  input: { user_id: string; calendar_id: string; items: object[]; request_id: string },
): Promise<(TransferProblem & { uid: string })[]> {
  const { user_id, calendar_id, items, request_id } = input;
  const params = [user_id, calendar_id, JSON.stringify(items), request_id, currentTraceparent() ?? null];
  return db.call('select * from app.take_in_booked_schedules($1, $2, $3, $4, $5)', params);
}

// What follows is asked by the job, as job_user.

export interface ClaimedTransfer {
  workspace_id: string;
  kind: TransferKind;
  object_key: string;
  /** As whom it acts. */
  created_by: string;
}

/** Null: there is nothing to do any more. One that was claimed before by a job that died is claimed again. */
export async function claimTransfer(db: Queryable, transfer_id: string): Promise<ClaimedTransfer | null> {
  const [row] = await db.call<ClaimedTransfer>('select * from app.claim_transfer($1)', [transfer_id]);
  return row ?? null;
}

/** Tells how far it is. False: it was ended meanwhile. */
export async function reportTransfer(
  db: Queryable,
  { transfer_id, done, total }: { transfer_id: string; done: number; total: number },
): Promise<boolean> {
  const row = await callOne<{ goes_on: boolean }>(db, 'select app.report_transfer($1, $2, $3) as goes_on', [
    transfer_id,
    done,
    total,
  ]);
  return row.goes_on;
}

export interface FinishedTransfer {
  transfer_id: string;
  done: number | null;
  total: number | null;
  size: number | null;
  problems: TransferRow['problems'];
  /** Null: it succeeded, but for the problems. */
  failure: TransferProblem | null;
}

/** Ends it, once. */
export async function finishTransfer(db: Queryable, input: FinishedTransfer): Promise<void> {
  await db.call('select app.finish_transfer($1, $2, $3, $4, $5, $6)', [
    input.transfer_id,
    input.done,
    input.total,
    input.size,
    JSON.stringify(input.problems),
    input.failure,
  ]);
}

export interface ExportedCalendarRow {
  id: string;
  name: string;
  description: string | null;
  color: string | null;
  time_zone: string;
  is_exclusive: boolean;
  updated_at: string;
}

interface Page {
  after_id: string | null;
  limit: number;
}

/**
 * Every calendar of the workspace whose export runs, by id, whoever subscribes to it. Throws `transfer.not_found` when it runs no
 * more, `workspace.forbidden` when whoever asked for it is no admin any more; so do those below.
 */
export function listExportedCalendars(
  db: Queryable,
  { transfer_id, after_id, limit }: { transfer_id: string } & Page,
): Promise<ExportedCalendarRow[]> {
  return db.call('select * from app.list_exported_calendars($1, $2, $3)', [transfer_id, after_id, limit]);
}

interface ExportedCalendarRef {
  transfer_id: string;
  calendar_id: string;
}

/** The zones that its schedules name. It is audited that the calendar is read. Throws `calendar.not_found`. */
export async function openExportedCalendar(
  db: Queryable,
  { transfer_id, calendar_id, request_id }: ExportedCalendarRef & { request_id: string },
): Promise<string[]> {
  const params = [transfer_id, calendar_id, request_id];
  return (await callOne<{ zones: string[] }>(db, 'select app.open_exported_calendar($1, $2, $3) as zones', params))
    .zones;
}

/** The next schedules, whole. */
export function listExportedSchedules<Item>(
  db: Queryable,
  { transfer_id, calendar_id, after_id, limit }: ExportedCalendarRef & Page,
): Promise<{ id: string; item: Item }[]> {
  const params = [transfer_id, calendar_id, after_id, limit];
  return db.call('select * from app.list_exported_schedules($1, $2, $3, $4)', params);
}
