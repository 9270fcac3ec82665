import { currentTraceparent } from '@potentia/config/telemetry';
import { callOne, type Queryable } from '../client.ts';
import type { MemberPosition, MemberRole, WorkspaceMemberRow, WorkspaceRow } from './rows.ts';

/** Who asks for which workspace. Who is not in it gets `workspace.not_found` from every query, a role too low `workspace.forbidden`. */
export interface WorkspaceScope {
  user_id: string;
  workspace_id: string;
}

/** A write in a workspace. */
export interface WorkspaceWrite extends WorkspaceScope {
  request_id: string;
}

/** `changed` is false when it was so already. */
export interface WorkspaceChange {
  workspace: WorkspaceRow;
  changed: boolean;
}

const traceparent = (): string | null => currentTraceparent() ?? null;

const callWorkspace = async (db: Queryable, text: string, params: unknown[]): Promise<WorkspaceRow> =>
  (await callOne<{ workspace: WorkspaceRow }>(db, `select ${text} as workspace`, params)).workspace;

/** The caller owns it. Throws `workspace.forbidden` (an API key), `workspace.too_many`. */
export function createWorkspace(
  db: Queryable,
  input: WorkspaceWrite & { name: string; icon: string | null },
): Promise<WorkspaceRow> {
  const params = [input.user_id, input.workspace_id, input.name, input.icon, input.request_id];
  return callWorkspace(db, 'app.create_workspace($1, $2, $3, $4, $5)', params);
}

/** A deleted one only for its owner. */
export function getWorkspace(db: Queryable, { user_id, workspace_id }: WorkspaceScope): Promise<WorkspaceRow> {
  return callWorkspace(db, 'app.get_workspace($1, $2)', [user_id, workspace_id]);
}

export interface WorkspaceList {
  user_id: string;
  /** Those that the person owns and has deleted, too. */
  include_deleted: boolean;
  /** Where the last page ended; both null at the beginning, the time alone after the personal space. */
  cursor_created_at: string | null;
  cursor_id: string | null;
  limit: number;
}

/** Every workspace that the person is in, the personal space first. */
export async function listWorkspaces(db: Queryable, input: WorkspaceList): Promise<WorkspaceRow[]> {
  const rows = await db.call<{ workspace: WorkspaceRow }>(
    'select workspace from app.list_workspaces($1, $2, $3, $4, $5)',
    [input.user_id, input.include_deleted, input.cursor_created_at, input.cursor_id, input.limit],
  );
  return rows.map(({ workspace }) => workspace);
}

export interface WorkspaceUpdate extends WorkspaceWrite {
  expected_version: number | null;
  patch: { name?: string; icon?: string | null };
}

/** Throws `workspace.version_conflict` (precondition, with `current`). */
export function updateWorkspace(db: Queryable, input: WorkspaceUpdate): Promise<WorkspaceRow> {
  const params = [input.user_id, input.workspace_id, input.expected_version, input.patch, input.request_id];
  return callWorkspace(db, 'app.update_workspace($1, $2, $3, $4, $5)', params);
}

export interface WorkspaceRemoval extends WorkspaceWrite {
  name: string;
  expected_version: number | null;
}

/** Throws `workspace.personal`, `workspace.name_mismatch`, `workspace.version_conflict`. */
export function deleteWorkspace(db: Queryable, input: WorkspaceRemoval): Promise<WorkspaceChange> {
  return callOne(db, 'select * from app.delete_workspace($1, $2, $3, $4, $5, $6)', [
    input.user_id,
    input.workspace_id,
    input.name,
    input.expected_version,
    input.request_id,
    traceparent(),
  ]);
}

export function restoreWorkspace(db: Queryable, input: WorkspaceWrite): Promise<WorkspaceChange> {
  const params = [input.user_id, input.workspace_id, input.request_id, traceparent()];
  return callOne(db, 'select * from app.restore_workspace($1, $2, $3, $4)', params);
}

/** About one member. Throws `workspace.member_not_found`, `workspace.owner_fixed`. */
export interface MemberWrite extends WorkspaceWrite {
  target_user_id: string;
}

/** Throws `workspace.personal` too. */
export function transferWorkspace(db: Queryable, input: MemberWrite): Promise<WorkspaceChange> {
  const params = [input.user_id, input.workspace_id, input.target_user_id, input.request_id, traceparent()];
  return callOne(db, 'select * from app.transfer_workspace($1, $2, $3, $4, $5)', params);
}

/** Throws `workspace.owner_fixed`, `workspace.personal`. */
export async function leaveWorkspace(db: Queryable, input: WorkspaceWrite): Promise<void> {
  const params = [input.user_id, input.workspace_id, input.request_id, traceparent()];
  await db.call('select app.leave_workspace($1, $2, $3, $4)', params);
}

/** The owner first, then by role and name; each with its position for the next page. */
export function listWorkspaceMembers(
  db: Queryable,
  { user_id, workspace_id, after, limit }: WorkspaceScope & { after: MemberPosition | null; limit: number },
): Promise<(WorkspaceMemberRow & MemberPosition)[]> {
  const params = [user_id, workspace_id, after?.place ?? null, after?.sort_name ?? null, after?.user_id ?? null, limit];
  return db.call('select * from app.list_workspace_members($1, $2, $3, $4, $5, $6)', params);
}

/** `changed` is false when it was so already. */
export function setWorkspaceRole(
  db: Queryable,
  input: MemberWrite & { role: MemberRole },
): Promise<{ changed: boolean }> {
  return callOne(db, 'select app.set_workspace_role($1, $2, $3, $4, $5, $6) as changed', [
    input.user_id,
    input.workspace_id,
    input.target_user_id,
    input.role,
    input.request_id,
    traceparent(),
  ]);
}

export async function removeWorkspaceMember(db: Queryable, input: MemberWrite): Promise<void> {
  const params = [input.user_id, input.workspace_id, input.target_user_id, input.request_id, traceparent()];
  await db.call('select app.remove_workspace_member($1, $2, $3, $4, $5)', params);
}

/** A step is no small statement; below what Postgres allows the roles of services. */
const PURGE_TIMEOUT_MS = 8_000;

/** One bounded step of the purge, as job_user; null when no workspace is due. */
export async function purgeWorkspaceStep(
  db: Queryable,
  { limit, request_id }: { limit: number; request_id: string },
): Promise<{ workspace_id: string; rows_gone: number; is_gone: boolean } | null> {
  const [step] = await db.call<{ workspace_id: string; rows_gone: number; is_gone: boolean }>(
    'select * from app.purge_workspace_step($1, $2)',
    [limit, request_id],
    { timeout_ms: PURGE_TIMEOUT_MS },
  );
  return step ?? null;
}
