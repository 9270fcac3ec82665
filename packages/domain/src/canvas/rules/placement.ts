import type { SystemOp } from '../schemas.ts';
import { ranksBetween } from './rank.ts';

/** A gap to look up: absent `after_id` is the end of the list, null its beginning. */
export interface GapQuery {
  parent_id: string | null;
  after_id?: string | null;
}

/** A gap as it stands, among all siblings, those in the trash too. Null ends are the ends of the list. */
export interface Gap {
  after_id: string | null;
  after_rank: string | null;
  before_id: string | null;
  before_rank: string | null;
}

/** An operation with the ids of new blocks made up, where the client had not. */
export type NamedOp = SystemOp & { block_id: string; copy_id?: string };
type PlacingOp = Extract<NamedOp, { op: 'create' | 'move' | 'copy' }>;

/** One gap with the operations that put a block into it, by index, in the order of their blocks. */
interface Slot {
  parent_id: string | null;
  gap: Gap;
  items: number[];
}

const EMPTY_LIST: Gap = { after_id: null, after_rank: null, before_id: null, before_rank: null };

const isPlacing = (op: NamedOp): op is PlacingOp => op.op === 'create' || op.op === 'move' || op.op === 'copy';
/** Out of the trash: goes to the end of the top level, should its own place be gone. */
const isReturning = (op: NamedOp): boolean => op.op === 'restore' || op.op === 'revert';
const TOP_END: GapQuery = { parent_id: null };

/** The block that comes to stand at the place. */
const placedId = (op: PlacingOp): string => (op.op === 'copy' ? (op.copy_id ?? op.block_id) : op.block_id);

/**
 * The gaps that a batch needs from the database, without doubles. Beside blocks that the batch places itself, and inside
 * blocks that it creates, nothing is looked up.
 */
export function listGaps(ops: readonly NamedOp[]): GapQuery[] {
  const queries = new Map<string, GapQuery>();
  const placed = new Set<string>();
  const created = new Set<string>();
  for (const op of ops.filter(isPlacing)) {
    const is_known = (op.parent_id !== null && created.has(op.parent_id)) || (op.after_id && placed.has(op.after_id));
    if (!is_known) {
      const query = op.after_id === undefined ? {} : { after_id: op.after_id };
      queries.set(gapKey(op), { parent_id: op.parent_id, ...query });
    }
    placed.add(placedId(op));
    if (op.op === 'create') created.add(op.block_id);
  }
  if (ops.some(isReturning)) queries.set(gapKey(TOP_END), TOP_END);
  return [...queries.values()];
}

/**
 * Ranks for every operation of a batch that places a block, by its index. `gaps` answers `listGaps(ops)` in its order,
 * with null where the block to follow is no child of that parent. Blocks that go into one gap share it. An operation
 * that names a block to follow which is not there has no rank, nor has one that places a block inside a copy of the same
 * batch, whose children nobody knows yet.
 */
export function rankOps(ops: readonly NamedOp[], gaps: readonly (Gap | null)[]): Map<number, string> {
  const known = new Map(listGaps(ops).map((query, i) => [gapKey(query), gaps[i]]));
  const slots = new Map<string, Slot>();
  const placed = new Map<string, { slot: Slot; item: number }>();

  const copies = new Set<string>();

  for (const [index, op] of ops.entries()) {
    if (isReturning(op)) openSlot(slots, null, known.get(gapKey(TOP_END)) ?? EMPTY_LIST).items.push(index);
    if (!isPlacing(op) || (op.parent_id !== null && copies.has(op.parent_id))) continue;
    if (op.op === 'copy') copies.add(placedId(op));
    const follows = op.after_id ? placed.get(op.after_id) : undefined;
    const gap = known.get(gapKey(op));
    const is_misplaced = follows ? follows.slot.parent_id !== op.parent_id : op.after_id && !gap;
    if (is_misplaced || op.after_id === placedId(op)) continue;
    const slot = follows?.slot ?? openSlot(slots, op.parent_id, gap ?? EMPTY_LIST);
    const end = op.after_id === undefined ? slot.items.length : 0;
    slot.items.splice(follows ? slot.items.indexOf(follows.item) + 1 : end, 0, index);
    placed.set(placedId(op), { slot, item: index });
  }
  return new Map([...slots.values()].flatMap(rankSlot));
}

function openSlot(slots: Map<string, Slot>, parent_id: string | null, gap: Gap): Slot {
  const key = gapKey({ parent_id, after_id: gap.after_id });
  const slot = slots.get(key) ?? { parent_id, gap, items: [] };
  slots.set(key, slot);
  return slot;
}

function rankSlot({ gap, items }: Slot): [number, string][] {
  const ranks = ranksBetween(gap.after_rank, gap.before_rank, items.length);
  return items.map((item, i) => [item, ranks[i] as string]);
}

function gapKey({ parent_id, after_id }: GapQuery): string {
  return `${parent_id ?? 'root'} ${after_id === undefined ? 'end' : (after_id ?? 'start')}`;
}
