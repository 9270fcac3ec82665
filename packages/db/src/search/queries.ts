import type { Queryable } from '../client.ts';

/** What to look for; see `rules/search-query.ts` of the domain. A unit is one word, or a phrase in quotes. */
export interface SearchTerms {
  /** Groups of units: all of a group, any group. */
  any: string[][];
  /** One more unit of the last group: a word that may go on. */
  prefix: string | null;
  without: string[];
}

export interface SearchPosition {
  score: number;
  updated_at: string;
  /** Of the block, or of the canvas whose title was found. */
  id: string;
}

export interface SearchInput {
  user_id: string;
  terms: SearchTerms;
  workspace_id: string | null;
  canvas_id: string | null;
  /** Types of blocks; `canvas` stands for titles. Null: all. */
  types: string[] | null;
  include_archived: boolean;
  after: SearchPosition | null;
  /** Held to 1..51. */
  limit: number;
}

export interface SearchHitRow {
  workspace_id: string;
  canvas_id: string;
  canvas_title: string;
  /** Null: the title was found. */
  block_id: string | null;
  block_type: string | null;
  /** Plain text; what was found stands between U+E000 and U+E001. */
  fragment: string;
  score: number;
  updated_at: string;
}

/** Milliseconds. One that reads much is slow; that must not cost the pool its connections. */
const TIMEOUT_MS = 2_500;

/** Live blocks and titles of all canvases that the person may see, best first. One round trip. */
export function search(db: Queryable, input: SearchInput): Promise<SearchHitRow[]> {
  const params = [
    input.user_id,
    input.terms,
    input.workspace_id,
    input.canvas_id,
    input.types,
    input.include_archived,
    input.after?.score ?? null,
    input.after?.updated_at ?? null,
    input.after?.id ?? null,
    input.limit,
  ];
  const text = 'select * from app.search($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)';
  return db.call(text, params, { timeout_ms: TIMEOUT_MS });
}
