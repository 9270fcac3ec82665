import type { Queryable } from '../client.ts';

/** The roles that a person can have on a canvas, lowest first. */
export type CanvasRole = 'viewer' | 'commenter' | 'editor' | 'admin' | 'owner';

export interface BlockRow {
  id: string;
  canvas_id: string;
  parent_id: string | null;
  type: string;
  content: Record<string, unknown>;
  rank: string;
  version: number;
  created_by: string;
  updated_by: string;
  created_at: string;
  updated_at: string;
}

/** What `apply_block_mutations` takes. `before_id` is the neighbour that the rank was made for; null = last. */
export type DbOp =
  | {
      op: 'create';
      block_id: string;
      parent_id: string | null;
      after_id: string | null;
      before_id: string | null;
      rank: string;
      type: string;
      content: object;
    }
  | { op: 'edit'; block_id: string; version: number; content?: object; type?: string }
  | {
      op: 'move';
      block_id: string;
      version: number;
      parent_id: string | null;
      after_id: string | null;
      before_id: string | null;
      rank: string;
    }
  | { op: 'delete'; block_id: string; version: number };

export type OpResult =
  { op: 'create' | 'edit' | 'move'; block: BlockRow } | { op: 'delete'; block_id: string; block_ids: string[] };

export interface MutationResult {
  mutation_id: string;
  epoch: string;
  seq: number;
  ops: OpResult[];
}

export interface AppliedMutation {
  result: MutationResult;
  /** The same mutation had been accepted before; `result` and `frame` are those of then. */
  replayed: boolean;
  workspace_id: string;
  seq: number;
  /** The event as clients get it: publish this text as it is. */
  frame: string;
}

export interface MutationInput {
  user_id: string;
  canvas_id: string;
  mutation_id: string;
  request_hash: string;
  ops: readonly DbOp[];
  request_id: string;
}

export async function applyBlockMutations(db: Queryable, input: MutationInput): Promise<AppliedMutation> {
  const [row] = await db.call<AppliedMutation>('select * from app.apply_block_mutations($1, $2, $3, $4, $5, $6)', [
    input.user_id,
    input.canvas_id,
    input.mutation_id,
    input.request_hash,
    JSON.stringify(input.ops),
    input.request_id,
  ]);
  return row!;
}

export interface UpsertBlockInput extends Omit<MutationInput, 'ops'> {
  block_id: string;
  /** Null creates the block. */
  version: number | null;
  /** The other fields of the op; with `rank` it is a move. */
  patch: Record<string, unknown>;
}

export async function upsertBlockAtomic(db: Queryable, input: UpsertBlockInput): Promise<AppliedMutation> {
  const [row] = await db.call<AppliedMutation>(
    'select * from app.rpc_upsert_block_atomic($1, $2, $3, $4, $5, $6, $7, $8)',
    [
      input.user_id,
      input.canvas_id,
      input.mutation_id,
      input.request_hash,
      input.block_id,
      input.version,
      input.patch,
      input.request_id,
    ],
  );
  return row!;
}

/** Where a block would come to stand. `after_id` absent = at the end, null = at the beginning. */
export interface GapQuery {
  parent_id: string | null;
  after_id?: string | null;
  /** The block on the move; it is not its own neighbour. */
  block_id?: string;
  /** What an error names; else the position in the list. */
  op_index?: number;
}

/** Neighbours in rank order among all siblings, trashed ones too. Null ranks: nothing on that side. */
export interface Gap {
  after_id: string | null;
  after_rank: string | null;
  before_id: string | null;
  before_rank: string | null;
}

/** Throws `block.after_not_found` (invalid) and `block.after_moved` (conflict: it has another parent by now). */
export async function getBlockGaps(
  db: Queryable,
  user_id: string,
  canvas_id: string,
  gaps: readonly GapQuery[],
): Promise<Gap[]> {
  const [row] = await db.call<{ gaps: Gap[] }>('select app.get_block_gaps($1, $2, $3) as gaps', [
    user_id,
    canvas_id,
    JSON.stringify(gaps),
  ]);
  return row!.gaps;
}

/** JSON text `{canvas: {…, role}, epoch, seq, blocks: […]}`, all of one moment. */
export async function getCanvasSnapshot(db: Queryable, user_id: string, canvas_id: string): Promise<string> {
  const [row] = await db.call<{ snapshot: string }>('select app.get_canvas_snapshot($1, $2) as snapshot', [
    user_id,
    canvas_id,
  ]);
  return row!.snapshot;
}

/** JSON text of the canvas with the caller's `role`. */
export async function getCanvas(db: Queryable, user_id: string, canvas_id: string): Promise<string> {
  const [row] = await db.call<{ canvas: string }>('select app.get_canvas($1, $2) as canvas', [user_id, canvas_id]);
  return row!.canvas;
}

/** JSON text of one live block. */
export async function getBlock(db: Queryable, user_id: string, canvas_id: string, block_id: string): Promise<string> {
  const [row] = await db.call<{ block: string }>('select app.get_block($1, $2, $3) as block', [
    user_id,
    canvas_id,
    block_id,
  ]);
  return row!.block;
}

/** Where the next page begins. */
export interface BlockPosition {
  parent_id: string | null;
  rank: string;
}

/** Live blocks: the top level first, then by parent; siblings in their order. */
export interface BlocksPage {
  /** JSON text of a list of blocks. */
  items: string;
  next: BlockPosition | null;
}

/** `limit` is held to 1..500. */
export async function getBlocksPage(
  db: Queryable,
  user_id: string,
  canvas_id: string,
  after: BlockPosition | null,
  limit: number,
): Promise<BlocksPage> {
  const [row] = await db.call<{
    items: string;
    next_parent_id: string | null;
    next_rank: string | null;
    has_more: boolean;
  }>('select * from app.get_blocks_page($1, $2, $3, $4, $5)', [
    user_id,
    canvas_id,
    after?.parent_id ?? null,
    after?.rank ?? '',
    limit,
  ]);
  const { items, next_parent_id, next_rank, has_more } = row!;
  return { items, next: has_more ? { parent_id: next_parent_id, rank: next_rank! } : null };
}

export interface CanvasHead {
  canvas_id: string;
  epoch: string;
  seq: number;
  /** Grows with every change of who may do what on the canvas or in its workspace. */
  access_version: number;
}

/** Checks no access: numbers only. A canvas that does not exist has no row. */
export async function getCanvasHeads(db: Queryable, canvas_ids: readonly string[]): Promise<CanvasHead[]> {
  return db.call<CanvasHead>('select * from app.get_canvas_heads($1)', [canvas_ids]);
}

/** Events after `after_seq`, in order, at most `limit` (1000). Throws `canvas.events_gone` (conflict): take a snapshot instead. */
export async function getCanvasEvents(
  db: Queryable,
  user_id: string,
  canvas_id: string,
  after_seq: number,
  limit: number,
): Promise<{ seq: number; frame: string }[]> {
  return db.call('select * from app.get_canvas_events($1, $2, $3, $4)', [user_id, canvas_id, after_seq, limit]);
}

/** Null: no access, or no such canvas. */
export async function getCanvasRole(db: Queryable, user_id: string, canvas_id: string): Promise<CanvasRole | null> {
  const [row] = await db.call<{ role: CanvasRole | null }>('select app.get_canvas_role($1, $2) as role', [
    user_id,
    canvas_id,
  ]);
  return row!.role;
}

/** The workspace of a canvas that the person may see, else null. */
export async function getCanvasTenant(db: Queryable, user_id: string, canvas_id: string): Promise<string | null> {
  const [row] = await db.call<{ workspace_id: string | null }>('select app.get_canvas_tenant($1, $2) as workspace_id', [
    user_id,
    canvas_id,
  ]);
  return row!.workspace_id;
}
