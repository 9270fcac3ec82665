import { callOne, type Queryable } from '../client.ts';

/** A message whose words are to be indexed (`is_target`), or that stands beside one. In the order of their contexts. */
export interface WindowRow {
  message_id: string;
  context_id: string;
  /** The one before it in its context, whether it is among these or not. */
  previous_id: string | null;
  is_target: boolean;
  content: string;
  author_name: string | null;
  mentions: { text: string; from: string; to: string }[];
  created_at: string;
}

export type Terms = [stem: string, weight: number][];

export interface BlockRef {
  canvas_id: string;
  block_id: string;
}

export interface BlockText extends BlockRef {
  /** Null: gone, in the trash, or without a word. */
  content: string | null;
  updated_at: string | null;
}

/** Locks the person's index until the transaction ends, and reads what is to be indexed anew when these messages are. */
export function readMessageWindows(db: Queryable, user_id: string, message_ids: string[]): Promise<WindowRow[]> {
  return db.call('select * from app.read_message_windows($1, $2)', [user_id, message_ids]);
}

/** How many are found by something else than before. In the transaction of `readMessageWindows`. */
export async function putMessageTerms(
  db: Queryable,
  user_id: string,
  messages: { message_id: string; terms: Terms }[],
): Promise<number> {
  const text = 'select app.put_message_terms($1, $2) as count';
  return (await callOne<{ count: number }>(db, text, [user_id, messages])).count;
}

/** Locks the workspace's index until the transaction ends, and reads the blocks. */
export function readBlockTexts(db: Queryable, workspace_id: string, blocks: BlockRef[]): Promise<BlockText[]> {
  return db.call('select * from app.read_block_texts($1, $2)', [workspace_id, blocks]);
}

/** `terms` null: the block is found by nothing any more. In the transaction of `readBlockTexts`. */
export async function putBlockTerms(
  db: Queryable,
  workspace_id: string,
  blocks: (BlockRef & { terms: Terms | null })[],
): Promise<number> {
  const text = 'select app.put_block_terms($1, $2) as count';
  return (await callOne<{ count: number }>(db, text, [workspace_id, blocks])).count;
}

/** Those that still are. */
export function findMessageOwners(
  db: Queryable,
  message_ids: string[],
): Promise<{ message_id: string; user_id: string }[]> {
  return db.call('select * from app.find_message_owners($1)', [message_ids]);
}

/** Of a term any of `stems` will do. */
export interface QueryTermInput {
  stems: string[];
  weight: number;
}

export interface FindInput {
  user_id: string;
  query: QueryTermInput[];
  /** Of `query`'s text, by `model`; null: by words alone. */
  vector: number[] | null;
  model: string | null;
  /** Held to 1..100. */
  limit: number;
}

export interface FindHistoryInput extends FindInput {
  options: {
    from?: string | undefined;
    to?: string | undefined;
    context_id?: string | undefined;
    role?: 'user' | 'assistant' | undefined;
    /** Messages that are not wanted. */
    without?: string[];
    /** How many before and after each are told with it; 3 at most. */
    neighbours?: number;
    /** With so many of the best; absent: with all. */
    neighbours_of?: number;
    weights?: { lexical: number; vector: number };
    recency?: number;
    /** Reads every message, to compare. */
    is_exact?: boolean;
    /** Up to so many messages all vectors are compared. */
    exact_below?: number;
  };
}

export interface NeighbourRow {
  message_id: string;
  role: 'user' | 'assistant';
  author_name: string | null;
  content: string;
  source: 'chat' | 'import' | 'whatsapp';
  created_at: string;
  is_before: boolean;
}

export interface HistoryRow {
  message_id: string;
  external_id: string | null;
  context_id: string;
  role: 'user' | 'assistant';
  author_name: string | null;
  content: string;
  source: 'chat' | 'import' | 'whatsapp';
  created_at: string;
  /** About 0 to 1. */
  score: number;
  leg: 'lexical' | 'vector' | 'both';
  lexical: number | null;
  vector: number | null;
  neighbours: NeighbourRow[] | null;
}

/** Milliseconds. */
const FIND_TIMEOUT_MS = 2_500;

const findParams = (input: FindInput, options: object): unknown[] => [
  input.user_id,
  input.query,
  input.vector === null ? null : JSON.stringify(input.vector),
  input.model,
  input.limit,
  options,
];

/** What a person said or was told that has to do with the query, best first. One round trip. */
export function findRelevantHistory(db: Queryable, input: FindHistoryInput): Promise<HistoryRow[]> {
  const text = 'select * from app.find_relevant_history($1, $2, $3, $4, $5, $6)';
  return db.call(text, findParams(input, input.options), { timeout_ms: FIND_TIMEOUT_MS });
}

export interface FindBlocksInput extends FindInput {
  options: {
    /** This workspace alone. */
    workspace_id?: string;
    weights?: { lexical: number; vector: number };
    recency?: number;
    is_exact?: boolean;
  };
}

export interface FoundBlockRow {
  workspace_id: string;
  canvas_id: string;
  canvas_title: string;
  block_id: string;
  type: string;
  /** Its human text. */
  content: string;
  updated_at: string;
  score: number;
  leg: 'lexical' | 'vector' | 'both';
  lexical: number | null;
  vector: number | null;
}

/** Blocks that have to do with the query, of every canvas that the person may see now, best first. One round trip. */
export function findRelevantBlocks(db: Queryable, input: FindBlocksInput): Promise<FoundBlockRow[]> {
  const text = 'select * from app.find_relevant_blocks($1, $2, $3, $4, $5, $6)';
  return db.call(text, findParams(input, input.options), { timeout_ms: FIND_TIMEOUT_MS });
}

/** Begins or settles the step of a search's vector; see `applyUsage`. The person's own workspace pays. */
export async function paySearch<Result>(db: Queryable, user_id: string, ops: object[]): Promise<Result[]> {
  const { results } = await callOne<{ results: Result[] }>(db, 'select app.pay_search($1, $2) as results', [
    user_id,
    ops,
  ]);
  return results;
}
