import { callOne, type Queryable } from '../client.ts';
import { SUBTREE_TIMEOUT_MS, type CanvasScope } from './queries.ts';
import type { AppliedMutation, AppliedTransfer, CanvasRow } from './rows.ts';

export interface Transfer {
  user_id: string;
  from_canvas_id: string;
  to_canvas_id: string;
  mutation_id: string;
  request_hash: string;
  /** As in `app.transfer_block`, which checks it. */
  op: object;
  request_id: string;
}

/**
 * Copies or moves a subtree from one canvas to another of the same workspace: all or nothing, one event on each canvas that
 * changes, idempotent on the target. Throws `block.other_tenant`, `block.version_conflict`, `block.not_found`,
 * `block.gap_moved`, `block.subtree_too_large`, `block.already_exists`, `canvas.archived`, `canvas.forbidden`, ….
 */
export async function transferBlock(db: Queryable, input: Transfer): Promise<AppliedTransfer> {
  const { user_id, from_canvas_id, to_canvas_id, mutation_id, request_hash, op, request_id } = input;
  const { source_seq, source_frame, ...applied } = await callOne<
    AppliedMutation & { source_seq: number | null; source_frame: string | null }
  >(
    db,
    'select * from app.transfer_block($1, $2, $3, $4, $5, $6, $7)',
    [user_id, from_canvas_id, to_canvas_id, mutation_id, request_hash, op, request_id],
    { timeout_ms: SUBTREE_TIMEOUT_MS },
  );
  const source = source_seq === null || source_frame === null ? null : { seq: source_seq, frame: source_frame };
  return { ...applied, source };
}

export interface Duplication extends CanvasScope {
  copy_id: string;
  /** Null: the source's, marked as a copy. */
  title: string | null;
  request_id: string;
}

/** Throws `canvas.not_found`, `workspace.forbidden` (members of the workspace may), `canvas.too_large`. */
export async function duplicateCanvas(db: Queryable, input: Duplication): Promise<CanvasRow> {
  const { canvas } = await callOne<{ canvas: CanvasRow }>(
    db,
    'select app.duplicate_canvas($1, $2, $3, $4, $5) as canvas',
    [input.user_id, input.canvas_id, input.copy_id, input.title, input.request_id],
    { timeout_ms: SUBTREE_TIMEOUT_MS },
  );
  return canvas;
}
