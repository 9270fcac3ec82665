import { currentTraceparent } from '@potentia/config/telemetry';
import { callOne, type Queryable } from '../client.ts';
import { DbError } from '../errors.ts';
import type {
  AppliedMutation,
  BlockRow,
  CanvasHead,
  CanvasRole,
  CanvasRow,
  EventRow,
  Gap,
  GrantableRole,
  MemberRow,
} from './rows.ts';

/** Who asks for which canvas. Without access every query throws `canvas.not_found`. */
export interface CanvasScope {
  user_id: string;
  canvas_id: string;
}

export interface NewCanvas extends CanvasScope {
  /** Absent: the personal space. */
  workspace_id?: string;
  title: string;
  icon: string | null;
  request_id: string;
}

/** Throws `workspace.not_found`, `workspace.forbidden` (guests). */
export async function createCanvas(db: Queryable, input: NewCanvas): Promise<CanvasRow> {
  const params = [
    input.user_id,
    input.canvas_id,
    input.workspace_id ?? null,
    input.title,
    input.icon,
    input.request_id,
  ];
  const { canvas } = await callOne<{ canvas: CanvasRow }>(
    db,
    'select app.create_canvas($1, $2, $3, $4, $5, $6) as canvas',
    params,
  );
  return canvas;
}

export interface CanvasList {
  user_id: string;
  include_archived: boolean;
  /** Where the last page ended; both null at the beginning. */
  cursor_updated_at: string | null;
  cursor_id: string | null;
  limit: number;
}

/** Every canvas that the person may see, last changed first. */
export async function listCanvases(db: Queryable, input: CanvasList): Promise<CanvasRow[]> {
  const rows = await db.call<{ canvas: CanvasRow }>('select canvas from app.list_canvases($1, $2, $3, $4, $5)', [
    input.user_id,
    input.include_archived,
    input.cursor_updated_at,
    input.cursor_id,
    input.limit,
  ]);
  return rows.map(({ canvas }) => canvas);
}

/** One canvas, archived or not, with the person's role. */
export async function getCanvas(db: Queryable, { user_id, canvas_id }: CanvasScope): Promise<CanvasRow> {
  const { canvas } = await callOne<{ canvas: CanvasRow }>(db, 'select app.get_canvas($1, $2) as canvas', [
    user_id,
    canvas_id,
  ]);
  return canvas;
}

/** `event` is null when nothing changed. */
export interface CanvasChange {
  canvas: CanvasRow;
  event: EventRow | null;
}

const change = ({ canvas, seq, frame }: { canvas: CanvasRow } & EventRow): CanvasChange => ({
  canvas,
  event: (seq as number | null) === null ? null : { seq, frame },
});

export interface MetaUpdate extends CanvasScope {
  expected_version: number | null;
  patch: { title?: string; icon?: string | null };
  request_id: string;
}

/** Throws `canvas.forbidden`, `canvas.archived`, `canvas.version_conflict` (precondition, with `current`). */
export async function updateCanvasMeta(db: Queryable, input: MetaUpdate): Promise<CanvasChange> {
  const params = [input.user_id, input.canvas_id, input.expected_version, input.patch, input.request_id];
  return change(await callOne(db, 'select * from app.update_canvas_meta($1, $2, $3, $4, $5)', params));
}

export interface CanvasRemoval extends CanvasScope {
  /** Absent: whatever it is now. */
  expected_version?: number | undefined;
  request_id: string;
}

/** Throws `canvas.forbidden`, `canvas.version_conflict` (precondition, with `current`). */
export async function archiveCanvas(db: Queryable, input: CanvasRemoval): Promise<CanvasChange> {
  const params = [input.user_id, input.canvas_id, input.request_id, input.expected_version ?? null];
  return change(await callOne(db, 'select * from app.archive_canvas($1, $2, $3, $4)', params));
}

/** Throws `canvas.forbidden`. */
export async function restoreCanvas(db: Queryable, input: CanvasScope & { request_id: string }): Promise<CanvasChange> {
  const params = [input.user_id, input.canvas_id, input.request_id];
  return change(await callOne(db, 'select * from app.restore_canvas($1, $2, $3)', params));
}

/** For good. Throws `canvas.forbidden`, `canvas.version_conflict` (precondition, with `current`), `canvas.not_empty`. */
export async function deleteCanvas(db: Queryable, input: CanvasRemoval): Promise<void> {
  const params = [input.user_id, input.canvas_id, input.request_id, input.expected_version ?? null];
  await db.call('select app.delete_canvas($1, $2, $3, $4)', params);
}

export interface AccessChange extends CanvasScope {
  target_user_id: string;
  /** Null takes the invitation back. */
  role: GrantableRole | null;
  /** Changes an invitation that is there, and makes none. */
  only_invited?: boolean;
  request_id: string;
}

/**
 * Throws `canvas.forbidden`, `user.not_found`, `user.not_invited`, `canvas.owner_fixed`, and to who takes back an invitation
 * of their own that is not there `canvas.not_invited`. `changed` is false when it was so already.
 */
export function setCanvasAccess(db: Queryable, input: AccessChange): Promise<{ changed: boolean }> {
  return callOne(db, 'select app.set_canvas_access($1, $2, $3, $4, $5, $6, $7) as changed', [
    input.user_id,
    input.canvas_id,
    input.target_user_id,
    input.role,
    input.request_id,
    currentTraceparent() ?? null,
    input.only_invited ?? false,
  ]);
}

/** Everybody with access, highest role first. */
export function getCanvasMembersDetailed(db: Queryable, { user_id, canvas_id }: CanvasScope): Promise<MemberRow[]> {
  return db.call('select * from app.get_canvas_members_detailed($1, $2)', [user_id, canvas_id]);
}

/** Null: no access, or no such canvas. */
export async function getCanvasRole(db: Queryable, { user_id, canvas_id }: CanvasScope): Promise<CanvasRole | null> {
  const { role } = await callOne<{ role: CanvasRole | null }>(db, 'select app.get_canvas_role($1, $2) as role', [
    user_id,
    canvas_id,
  ]);
  return role;
}

export interface CanvasRoleRow {
  user_id: string;
  canvas_id: string;
  /** Null: no access. */
  role: CanvasRole | null;
  archived_at: string | null;
  access_version: number;
}

/** `getCanvasRole` for many pairs in one query. A pair whose canvas is gone has no row. */
export function getCanvasRoles(
  db: Queryable,
  pairs: readonly { user_id: string; canvas_id: string }[],
): Promise<CanvasRoleRow[]> {
  const params = [pairs.map(({ user_id }) => user_id), pairs.map(({ canvas_id }) => canvas_id)];
  return db.call('select * from app.get_canvas_roles($1, $2)', params);
}

/** The workspace of a canvas that the person may see, else null. */
export async function getCanvasTenant(db: Queryable, { user_id, canvas_id }: CanvasScope): Promise<string | null> {
  const { tenant } = await callOne<{ tenant: string | null }>(db, 'select app.get_canvas_tenant($1, $2) as tenant', [
    user_id,
    canvas_id,
  ]);
  return tenant;
}

/** JSON text `{"canvas":{…},"epoch":"…","seq":…,"blocks":[…]}`, all of one moment. */
export async function getCanvasSnapshot(db: Queryable, { user_id, canvas_id }: CanvasScope): Promise<string> {
  const { snapshot } = await callOne<{ snapshot: string }>(db, 'select app.get_canvas_snapshot($1, $2) as snapshot', [
    user_id,
    canvas_id,
  ]);
  return snapshot;
}

/** Throws `block.not_found`. */
export async function getBlock(db: Queryable, input: CanvasScope & { block_id: string }): Promise<BlockRow> {
  const params = [input.user_id, input.canvas_id, input.block_id];
  const { block } = await callOne<{ block: BlockRow }>(db, 'select app.get_block($1, $2, $3)::json as block', params);
  return block;
}

export interface BlocksPageInput extends CanvasScope {
  /** `next_cursor` of the page before. */
  cursor?: string;
  /** Held to 1..500. */
  limit: number;
}

/**
 * JSON text `{"items":[…],"next_cursor":…}`: live blocks, the top level first, then by parent; siblings in their order.
 * Throws `request.invalid` for a cursor that is none.
 */
export async function getBlocksPage(
  db: Queryable,
  { user_id, canvas_id, cursor, limit }: BlocksPageInput,
): Promise<string> {
  const after = cursor === undefined ? { parent_id: null, rank: '' } : readCursor(cursor);
  const { page } = await callOne<{ page: string }>(db, 'select app.get_blocks_page($1, $2, $3, $4, $5) as page', [
    user_id,
    canvas_id,
    after.parent_id,
    after.rank,
    limit,
  ]);
  return page;
}

function readCursor(cursor: string): { parent_id: string | null; rank: string } {
  const match = /^([0-9a-f]{8}-[0-9a-f-]{27})?\.([0-9A-Za-z]+)$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (!match?.[2]) {
    throw new DbError('invalid', 'request.invalid', 'The cursor is not one that this list gave out.', {
      pointer: '/cursor',
    });
  }
  return { parent_id: match[1] ?? null, rank: match[2] };
}

/** Where a block is to stand: `after_id` absent = last, null = first. */
export interface GapQuery {
  parent_id: string | null;
  after_id?: string | null;
}

/** One answer per query, in their order; null where `after_id` is no child of the parent. */
export async function getBlockGaps(
  db: Queryable,
  { user_id, canvas_id, gaps }: CanvasScope & { gaps: readonly GapQuery[] },
): Promise<(Gap | null)[]> {
  const params = [user_id, canvas_id, JSON.stringify(gaps)];
  const row = await callOne<{ gaps: (Gap | null)[] }>(db, 'select app.get_block_gaps($1, $2, $3) as gaps', params);
  return row.gaps;
}

/**
 * Takes the lock of a canvas until the transaction ends: nobody else changes it meanwhile. For whoever lost a race too
 * often; `applyBlockMutations` takes it itself. Throws `canvas.forbidden` below `needed_role`.
 */
export async function lockCanvas(
  tx: Queryable,
  { user_id, canvas_id }: CanvasScope,
  needed_role: CanvasRole = 'editor',
): Promise<void> {
  await tx.call('select app.lock_canvas($1, $2, $3)', [user_id, canvas_id, needed_role]);
}

export interface MutationInput extends CanvasScope {
  mutation_id: string;
  request_hash: string;
  /** As in `app.apply_block_mutations`, which checks each. */
  ops: readonly object[];
  request_id: string;
}

/**
 * All or nothing, one seq. Throws `block.version_conflict` (with `op_index`, `current`), `block.not_found`, `block.gap_moved`
 * (read the gaps again), `block.already_exists`, `block.parent_not_found`, `block.cycle`, `block.too_deep`,
 * `canvas.mutation_reused`, `canvas.archived`, `canvas.forbidden`.
 */
export function applyBlockMutations(db: Queryable, input: MutationInput): Promise<AppliedMutation> {
  const { user_id, canvas_id, mutation_id, request_hash, ops, request_id } = input;
  const text = JSON.stringify(ops);
  const params = [user_id, canvas_id, mutation_id, request_hash, text, request_id];
  const is_long = Array.isArray(ops) && ops.length > LARGE_OPS;
  const is_large = is_long || SUBTREE_OPS.test(text) || text.length > LARGE_TEXT;
  const options = is_large ? { timeout_ms: SUBTREE_TIMEOUT_MS } : {};
  return callOne(db, 'select * from app.apply_block_mutations($1, $2, $3, $4, $5, $6)', params, options);
}

/** Milliseconds for what can reach thousands of blocks. */
export const SUBTREE_TIMEOUT_MS = 9_000;

/** Each operation takes some 0.3 ms, a megabyte of text half a second, most of it for search. */
const LARGE_OPS = 500;
const LARGE_TEXT = 200_000;

const SUBTREE_OPS = /"op":"(?:copy|delete|restore|revert)"/;

/** Checks no access: numbers only. A canvas that does not exist has no row. */
export function getCanvasHeads(db: Queryable, canvas_ids: readonly string[]): Promise<CanvasHead[]> {
  return db.call('select * from app.get_canvas_heads($1)', [canvas_ids]);
}

/** Events after `after_seq`, in order, at most `limit` (1000). Throws `canvas.events_gone`: take a snapshot instead. */
export function getCanvasEvents(
  db: Queryable,
  { user_id, canvas_id, after_seq, limit }: CanvasScope & { after_seq: number; limit: number },
): Promise<EventRow[]> {
  return db.call('select * from app.get_canvas_events($1, $2, $3, $4)', [user_id, canvas_id, after_seq, limit]);
}

export interface RebalancedRanks {
  /** Null when no rank was long. */
  event: EventRow | null;
  /** The longest rank among those that were changed, before and after. */
  longest: { before: number; after: number } | null;
  /** False: there is more for another pass. */
  is_done: boolean;
}

/** Shortens the ranks around the first long one of a canvas. As job_user. Throws `canvas.not_found`. */
export async function rebalanceRanks(
  db: Queryable,
  { canvas_id, request_id }: { canvas_id: string; request_id: string },
): Promise<RebalancedRanks> {
  type Row = Partial<EventRow> & { longest_before: number; longest_after: number; is_done: boolean };
  const row = await callOne<Row>(db, 'select * from app.rebalance_ranks($1, $2)', [canvas_id, request_id]);
  if (!row.frame || !row.seq) return { event: null, longest: null, is_done: row.is_done };
  const longest = { before: row.longest_before, after: row.longest_after };
  return { event: { seq: row.seq, frame: row.frame }, longest, is_done: row.is_done };
}
