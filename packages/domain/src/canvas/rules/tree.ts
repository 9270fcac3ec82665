import type { BlockTree } from './markdown-parse.ts';

/** What a tree needs of a block. */
export interface FlatBlock {
  id: string;
  parent_id: string | null;
  type: string;
  content: Record<string, unknown>;
  rank: string;
}

/** Blocks as the tree that they make, siblings in their order (rank by code unit, then id). */
export function buildTree(blocks: readonly FlatBlock[]): BlockTree[] {
  const by_parent = Map.groupBy(blocks, ({ parent_id }) => parent_id);
  for (const siblings of by_parent.values()) siblings.sort(compareSiblings);
  const below = (parent_id: string | null): BlockTree[] =>
    (by_parent.get(parent_id) ?? []).map(({ id, type, content }) => ({ type, content, children: below(id) }));
  return below(null);
}

/** The order of siblings, the same for every client. */
export function compareSiblings(a: Pick<FlatBlock, 'id' | 'rank'>, b: Pick<FlatBlock, 'id' | 'rank'>): number {
  if (a.rank !== b.rank) return a.rank < b.rank ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}
