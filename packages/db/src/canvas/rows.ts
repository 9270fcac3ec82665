/** The roles that a person can have on a canvas, lowest first. */
export type CanvasRole = 'viewer' | 'commenter' | 'editor' | 'admin' | 'owner';
/** Those that an invitation gives. */
export type GrantableRole = Exclude<CanvasRole, 'owner'>;

export interface CanvasRow {
  id: string;
  workspace_id: string;
  title: string;
  icon: string | null;
  version: number;
  is_personal: boolean;
  /** Of the person who asked. */
  role: CanvasRole;
  archived_at: string | null;
  created_by: string;
  created_at: string;
  updated_at: string;
}

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

export interface MemberRow {
  user_id: string;
  name: string;
  email: string | null;
  role: CanvasRole;
  /** The path that gives the role. */
  source: 'owner' | 'workspace' | 'invitation';
}

export interface CanvasHead {
  canvas_id: string;
  epoch: string;
  seq: number;
  /** Grows with every change of who may do what on the canvas or in its workspace. */
  access_version: number;
}

/** Neighbours in rank order among all siblings, trashed ones too. Null: nothing on that side. */
export interface Gap {
  after_id: string | null;
  after_rank: string | null;
  before_id: string | null;
  before_rank: string | null;
}

/** One accepted change. `frame` is what clients get, the same text now and when a gap is filled later. */
export interface EventRow {
  seq: number;
  frame: string;
}

export type OpResult =
  | { op: 'create' | 'edit'; block: BlockRow }
  /** Its content is what it was. */
  | { op: 'move'; block: Omit<BlockRow, 'content'> }
  /** Blocks new on this canvas, and blocks out of its trash: full, parents first, `block_id` the first of them. */
  | { op: 'copy' | 'restore'; block_id: string; blocks: BlockRow[] }
  /** Of more than 1,000 blocks only the one that was named: the others stand below it. */
  | { op: 'delete'; block_id: string; block_ids: string[] };

export interface AppliedMutation extends EventRow {
  result: { mutation_id: string; epoch: string; seq: number; ops: OpResult[] };
  /** The same mutation had been accepted before: `result` and `frame` are those of then. */
  replayed: boolean;
  workspace_id: string;
}

/** A mutation of the target canvas; a move has changed the source as well. */
export interface AppliedTransfer extends AppliedMutation {
  source: EventRow | null;
}

/** What was deleted by name. */
export interface TrashRow {
  block_id: string;
  type: string;
  /** Its first words. */
  preview: string;
  version: number;
  deleted_at: string;
  deleted_by: string;
  /** When it goes for good. */
  purge_at: string;
  /** Blocks that went with it. */
  below: number;
}

export interface BlockVersionRow {
  version: number;
  op: 'create' | 'edit' | 'move' | 'delete' | 'restore' | 'copy';
  seq: number;
  user_id: string | null;
  at: string;
  /** As this version left it: null for a deletion, without content for a move. */
  block: BlockRow | Omit<BlockRow, 'content'> | null;
}
