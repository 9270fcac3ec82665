import { getCanvasEvents, getCanvasSnapshot, type CanvasScope } from '../canvas/queries.ts';
import type { BlockRow, OpResult } from '../canvas/rows.ts';
import type { Queryable } from '../client.ts';
import { DbError } from '../errors.ts';
import type { TestDatabase } from './database.ts';

export interface Snapshot {
  seq: number;
  epoch: string;
  blocks: BlockRow[];
}

/** The canvas as it stands. */
export const readSnapshot = async (db: Queryable, scope: CanvasScope): Promise<Snapshot> =>
  JSON.parse(await getCanvasSnapshot(db, scope)) as Snapshot;

/** An edit of a block that was just read. */
export const edit = (block: { id: string; version: number }, text = 'edited') => ({
  op: 'edit',
  block_id: block.id,
  version: block.version,
  content: { text },
});

/** What refused the work; throws when nothing did, or when it was no refusal. */
export async function refusal(work: Promise<unknown>): Promise<DbError> {
  const error: unknown = await work.then(
    () => new Error('it was accepted'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof DbError)) throw error as Error;
  return error;
}

/** `refusal` of work that must have left nothing behind on these canvases. */
export async function refusalWithoutTrace(
  t: TestDatabase,
  canvases: { canvas_id: string }[],
  work: () => Promise<unknown>,
): Promise<DbError> {
  const before = await everything(t, canvases);
  const error = await refusal(work());
  const after = await everything(t, canvases);
  if (JSON.stringify(after) !== JSON.stringify(before)) throw new Error(`${error.code} left something behind`);
  return error;
}

const everything = (t: TestDatabase, canvases: { canvas_id: string }[]): Promise<unknown> =>
  Promise.all(
    canvases.map(({ canvas_id }) =>
      t.asOwner(
        `select (select seq from app.canvas_heads where canvas_id = $1) as seq,
           (select count(*) from app.canvas_events where canvas_id = $1) as events,
           (select count(*) from app.audit_logs where canvas_id = $1) as audits,
           (select jsonb_agg(v order by block_id, version) from app.block_versions v where canvas_id = $1) as versions,
           (select jsonb_agg(b order by id) from app.blocks b where canvas_id = $1) as blocks`,
        [canvas_id],
      ),
    ),
  );

/** What a client does with the operations of an event. */
export function applyOps(blocks: Map<string, BlockRow>, ops: readonly OpResult[]): void {
  for (const op of ops) {
    if (op.op === 'delete') {
      for (const id of op.block_ids) blocks.delete(id);
      // Of many only the first is named.
      for (let left = Infinity; left > blocks.size;) {
        left = blocks.size;
        for (const { id, parent_id } of blocks.values()) if (parent_id && !blocks.has(parent_id)) blocks.delete(id);
      }
    } else if ('blocks' in op) for (const block of op.blocks) blocks.set(block.id, block);
    // A block that was moved comes without its content.
    else blocks.set(op.block.id, { ...blocks.get(op.block.id), ...op.block } as BlockRow);
  }
}

/** The live blocks, made from the events alone, in the order of a snapshot. Throws where a seq is missing. */
export async function replayBlocks(db: Queryable, scope: CanvasScope): Promise<BlockRow[]> {
  const blocks = new Map<string, BlockRow>();
  for (let after_seq = 0; ;) {
    const events = await getCanvasEvents(db, { ...scope, after_seq, limit: 100 });
    if (events.length === 0) break;
    for (const { seq, frame } of events) {
      if (seq !== ++after_seq) throw new Error(`event ${after_seq} is missing`);
      applyOps(blocks, (JSON.parse(frame) as { payload: { ops?: OpResult[] } }).payload.ops ?? []);
    }
  }
  const top = (block: BlockRow): string => block.parent_id ?? '';
  return [...blocks.values()].sort((a, b) =>
    top(a) === top(b) ? (a.rank < b.rank ? -1 : 1) : top(a) < top(b) ? -1 : 1,
  );
}

/** What of a snapshot is no forest of siblings with ranks of their own; empty when it is one. */
export function findFaults(blocks: readonly BlockRow[]): string[] {
  const by_id = new Map(blocks.map((block) => [block.id, block]));
  const places = new Set(blocks.map(({ parent_id, rank }) => `${parent_id} ${rank}`));
  const faults = places.size === blocks.length ? [] : ['two siblings have one rank'];
  for (const block of blocks) {
    const above = new Set<string>();
    for (let up: BlockRow | undefined = block; up?.parent_id; up = by_id.get(up.parent_id)) {
      if (above.has(up.id)) return [...faults, `${up.id} stands inside itself`];
      above.add(up.id);
      if (!by_id.has(up.parent_id)) faults.push(`the parent of ${up.id} is not there`);
    }
    if (above.size >= 64) faults.push(`${block.id} stands too deep`);
  }
  return faults;
}
