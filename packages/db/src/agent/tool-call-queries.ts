import { callOne, type Queryable } from '../client.ts';

export type ToolCallStatus = 'running' | 'done' | 'failed' | 'needs_confirmation' | 'declined' | 'expired';
export type ConfirmReason = 'affects_others' | 'not_asked' | 'destructive';

export interface ToolCallRow {
  tool_call_id: string;
  run_id: string;
  context_id: string | null;
  name: string;
  arguments: unknown;
  summary: string | null;
  status: ToolCallStatus;
  result: unknown;
  confirm_reason: ConfirmReason | null;
  expires_at: string | null;
  can_undo: boolean;
  undone_at: string | null;
  error_code: string | null;
  created_at: string;
  finished_at: string | null;
}

/** How something that was done is taken back. */
export interface UndoRow {
  tool: string;
  arguments: Record<string, unknown>;
}

export interface ToolCallRecord {
  call: ToolCallRow;
  /** In which the times of its arguments are. */
  time_zone: string;
  undo: UndoRow | null;
}

interface OfUser {
  user_id: string;
}

interface OfCall extends OfUser {
  tool_call_id: string;
}

/** Null: there is none. */
export async function getToolCall(db: Queryable, { user_id, tool_call_id }: OfCall): Promise<ToolCallRecord | null> {
  const params = [user_id, tool_call_id];
  return (await callOne<{ record: ToolCallRecord | null }>(db, 'select app.get_tool_call($1, $2) as record', params))
    .record;
}

export interface NewToolCall extends OfUser {
  id: string;
  run_id: string;
  step_id: string;
  context_id: string | null;
  name: string;
  arguments: unknown;
  time_zone: string;
  summary: string | null;
  status: 'running' | 'needs_confirmation' | 'failed';
  confirm_reason: ConfirmReason | null;
  /** Of one that failed before anything was done. */
  error_code?: string;
  result?: object;
  latency_ms?: number;
  /** Milliseconds that it waits for the person's word. */
  waits_ms: number | null;
}

/** Writes it down, or answers what is known of it (`is_new` false). Of one run one call waits: another one is `failed` at once. */
export async function beginToolCall(
  db: Queryable,
  { user_id, ...call }: NewToolCall,
): Promise<ToolCallRecord & { is_new: boolean }> {
  const params = [user_id, call];
  const row = await callOne<{ record: ToolCallRecord & { is_new: boolean } }>(
    db,
    'select app.begin_tool_call($1, $2) as record',
    params,
  );
  return row.record;
}

export interface ToolCallEnd {
  status: 'done' | 'failed' | 'needs_confirmation';
  result?: object;
  undo?: UndoRow | null;
  summary?: string;
  error_code?: string;
  latency_ms: number;
  confirm_reason?: ConfirmReason;
  waits_ms?: number;
}

/** Only of one that runs, or had failed and was tried again. */
export async function finishToolCall(
  db: Queryable,
  { user_id, tool_call_id, ...end }: OfCall & ToolCallEnd,
): Promise<ToolCallRecord> {
  const params = [user_id, tool_call_id, end];
  return (await callOne<{ record: ToolCallRecord }>(db, 'select app.finish_tool_call($1, $2, $3) as record', params))
    .record;
}

export interface TakenToolCall extends ToolCallRecord {
  /** By this call of the function, and by no other. */
  is_taken: boolean;
  /** It had been taken before, by a process that did not live. */
  is_again: boolean;
}

/** Confirms (`running`) or declines. Throws `tool.not_found`. */
export async function takeToolCall(
  db: Queryable,
  { user_id, tool_call_id, to, request_id }: OfCall & { to: 'running' | 'declined'; request_id: string },
): Promise<TakenToolCall> {
  const row = await callOne<{ record: TakenToolCall }>(db, 'select app.take_tool_call($1, $2, $3, $4) as record', [
    user_id,
    tool_call_id,
    to,
    request_id,
  ]);
  return row.record;
}

/** Something that is again as it was at version `was`, in the version `version`. */
export interface RestoredThing {
  id: string;
  was: number;
  version: number;
}

/** `restored`: what calls before it changed can then be taken back too. */
export async function markToolCallUndone(
  db: Queryable,
  { user_id, tool_call_id, restored, request_id }: OfCall & { restored: RestoredThing | null; request_id: string },
): Promise<ToolCallRecord> {
  const params = [user_id, tool_call_id, restored, request_id];
  const text = 'select app.mark_tool_call_undone($1, $2, $3, $4) as record';
  return (await callOne<{ record: ToolCallRecord }>(db, text, params)).record;
}

export interface ToolCallList extends OfUser {
  status: ToolCallStatus | null;
  context_id: string | null;
  names: readonly string[] | null;
  after: { created_at: string; id: string } | null;
  limit: number;
}

/** Newest first. */
export async function listToolCalls(db: Queryable, input: ToolCallList): Promise<ToolCallRecord[]> {
  const rows = await db.call<{ record: ToolCallRecord }>(
    'select record from app.list_tool_calls($1, $2, $3, $4, $5, $6, $7)',
    [
      input.user_id,
      input.status,
      input.context_id,
      input.names,
      input.after?.created_at ?? null,
      input.after?.id ?? null,
      input.limit,
    ],
  );
  return rows.map(({ record }) => record);
}

/** Null: none waits for the person's word. */
export async function findPendingToolCall(
  db: Queryable,
  { user_id, context_id }: OfUser & { context_id: string },
): Promise<ToolCallRecord | null> {
  const params = [user_id, context_id];
  const text = 'select app.find_pending_tool_call($1, $2) as record';
  return (await callOne<{ record: ToolCallRecord | null }>(db, text, params)).record;
}

/** Whether anybody else subscribes to it. Throws `calendar.not_found`. */
export async function isCalendarShared(
  db: Queryable,
  { user_id, calendar_id }: OfUser & { calendar_id: string },
): Promise<boolean> {
  const params = [user_id, calendar_id];
  return (await callOne<{ shared: boolean }>(db, 'select app.is_calendar_shared($1, $2) as shared', params)).shared;
}

/** Whether anybody else sees it, members and holders of a link alike. Throws `canvas.not_found`. */
export async function isCanvasShared(
  db: Queryable,
  { user_id, canvas_id }: OfUser & { canvas_id: string },
): Promise<boolean> {
  const params = [user_id, canvas_id];
  return (await callOne<{ shared: boolean }>(db, 'select app.is_canvas_shared($1, $2) as shared', params)).shared;
}

/** The calendar of schedules that name none; null: the person has none of their own. */
export async function defaultCalendar(db: Queryable, { user_id }: OfUser): Promise<string | null> {
  return (await callOne<{ id: string | null }>(db, 'select app.default_calendar($1) as id', [user_id])).id;
}

/** Of job_user. How many it was. */
export async function expireToolCalls(db: Queryable, limit: number): Promise<number> {
  return (await callOne<{ n: number }>(db, 'select app.expire_tool_calls($1) as n', [limit])).n;
}
