import { currentTraceparent } from '@potentia/config/telemetry';
import { callOne, type Queryable } from '../client.ts';

export interface MemoryRow {
  id: string;
  kind: 'preference' | 'rule' | 'fact' | 'memory';
  subject: string;
  attribute: string | null;
  content: string;
  source: 'said' | 'manual' | 'import';
  source_message_id: string | null;
  source_run_id: string | null;
  quote: string | null;
  confidence: number;
  is_pinned: boolean;
  valid_from: string | null;
  valid_until: string | null;
  superseded_by: string | null;
  superseded_at: string | null;
  superseded_from: string | null;
  version: number;
  created_at: string;
  updated_at: string;
}

/** As it is written; `attribute` of a preference that has none is `#` and the hash. */
export type MemoryWrite = Pick<
  MemoryRow,
  | 'id'
  | 'kind'
  | 'subject'
  | 'attribute'
  | 'content'
  | 'source'
  | 'source_message_id'
  | 'source_run_id'
  | 'quote'
  | 'confidence'
  | 'is_pinned'
  | 'valid_from'
  | 'valid_until'
> & { content_hash: string };

/** Stems with their weights, as `textTerms` makes them. */
export type MemoryWords = [stem: string, weight: number][];
export interface MemoryBounds {
  memories: number;
  preferences: number;
  pinned: number;
}

export type KnownMemoryRow = Pick<MemoryRow, 'id' | 'kind' | 'subject' | 'content' | 'is_pinned' | 'valid_until'> & {
  attribute: string | null;
  content_hash: string;
};
export interface KnownMemories {
  is_memory_enabled: boolean;
  time_zone: string;
  known: KnownMemoryRow[];
}

interface OfUser {
  user_id: string;
}
interface Asked extends OfUser {
  request_id: string;
}

/** Locks what is remembered of the person until the transaction ends; what something new about `subject` is compared with, and `also`. */
export function findKnownMemories(
  db: Queryable,
  { user_id, subject, stems, also }: OfUser & { subject: string; stems: string[]; also: string | null },
): Promise<KnownMemories> {
  return callOne(db, 'select * from app.find_known_memories($1, $2, $3, $4)', [user_id, subject, stems, also]);
}

/** Under the lock of `findKnownMemories`, in its transaction. Throws `memory.too_many`, `memory.too_many_pinned`. */
export async function writeMemory(
  db: Queryable,
  input: Asked & { row: MemoryWrite; words: MemoryWords; supersedes: string[]; bounds: MemoryBounds },
): Promise<MemoryRow> {
  const { memory } = await callOne<{ memory: MemoryRow }>(
    db,
    'select app.write_memory($1, $2, $3, $4, $5, $6, $7) as memory',
    [
      ...[input.user_id, input.row, JSON.stringify(input.words), input.supersedes],
      ...[input.bounds, input.request_id, currentTraceparent() ?? null],
    ],
  );
  return memory;
}

/** The same; `row` is the whole of it, `changed` the names of what differs. */
export async function changeMemory(
  db: Queryable,
  input: Asked & {
    row: MemoryWrite & { version: number };
    words: MemoryWords;
    changed: string[];
    bounds: MemoryBounds;
  },
): Promise<MemoryRow> {
  const { memory } = await callOne<{ memory: MemoryRow }>(
    db,
    'select app.change_memory($1, $2, $3, $4, $5, $6) as memory',
    [input.user_id, input.row, JSON.stringify(input.words), input.changed, input.bounds, input.request_id],
  );
  return memory;
}

/** Throws `memory.not_found`. */
export async function getMemory(
  db: Queryable,
  { user_id, memory_id }: OfUser & { memory_id: string },
): Promise<MemoryRow> {
  const { memory } = await callOne<{ memory: MemoryRow }>(db, 'select app.get_memory($1, $2) as memory', [
    user_id,
    memory_id,
  ]);
  return memory;
}

/** The newest first. Throws `memory.not_found`. */
export async function getMemoryHistory(
  db: Queryable,
  { user_id, memory_id }: OfUser & { memory_id: string },
): Promise<MemoryRow[]> {
  const { items } = await callOne<{ items: MemoryRow[] }>(db, 'select app.get_memory_history($1, $2) as items', [
    user_id,
    memory_id,
  ]);
  return items;
}

export interface MemoryFilter {
  kind?: string | undefined;
  q?: string | undefined;
  subject?: string | undefined;
  is_pinned?: boolean | undefined;
  include_superseded?: boolean | undefined;
  valid_at?: string | undefined;
  known_at?: string | undefined;
}
export interface MemoryPosition {
  created_at: string;
  id: string;
}

/** The newest first. */
export function listMemories(
  db: Queryable,
  { user_id, filter, after, limit }: OfUser & { filter: MemoryFilter; after: MemoryPosition | null; limit: number },
): Promise<({ memory: MemoryRow } & MemoryPosition)[]> {
  return db.call('select memory, created_at, id from app.list_memories($1, $2, $3, $4, $5)', [
    ...[user_id, filter, after?.created_at ?? null, after?.id ?? null, limit],
  ]);
}

/** With what they took the place of, or `restore`: that counts again. The ids of what is gone. */
export async function deleteMemories(
  db: Queryable,
  input: Asked & { memory_ids: string[]; restore: boolean },
): Promise<string[]> {
  const { ids } = await callOne<{ ids: string[] }>(db, 'select app.delete_memories($1, $2, $3, $4) as ids', [
    ...[input.user_id, input.memory_ids, input.restore, input.request_id],
  ]);
  return ids;
}

/** Runs of the last hours: Redis may still hold what they told. */
export async function toldRuns(db: Queryable, { user_id }: OfUser): Promise<string[]> {
  return (await callOne<{ run_ids: string[] }>(db, 'select app.told_runs($1) as run_ids', [user_id])).run_ids;
}

/** How many it was, with what was superseded. */
export async function deleteAllMemories(db: Queryable, { user_id, request_id }: Asked): Promise<number> {
  const { deleted } = await callOne<{ deleted: number }>(db, 'select app.delete_all_memories($1, $2) as deleted', [
    user_id,
    request_id,
  ]);
  return deleted;
}

/** What was taken from what the person said last in a context. Throws `chat.context_not_found`. */
export async function findSaidMemories(
  db: Queryable,
  input: OfUser & { context_id: string; before_message_id: string | null },
): Promise<string[]> {
  const { ids } = await callOne<{ ids: string[] }>(db, 'select app.find_said_memories($1, $2, $3) as ids', [
    ...[input.user_id, input.context_id, input.before_message_id],
  ]);
  return ids;
}

/** As `PromptItem` of the domain. */
export interface MemoryItemRow {
  kind: 'preference' | 'memory';
  id: string;
  text: string;
  origin: 'user';
  at: string;
  place_id: null;
  leg: 'pinned' | 'always' | 'lexical' | 'vector' | 'both';
  score: number | null;
}

/** What is always known: pinned (memories among them), rules, facts and preferences. Empty when the person has switched memory off. */
export function getUserFactsAndRules(
  db: Queryable,
  { user_id, limit }: OfUser & { limit: number },
): Promise<MemoryItemRow[]> {
  return db.call('select * from app.get_user_facts_and_rules($1, $2)', [user_id, limit]);
}

/** The memories that matter for a query, without the pinned ones. `vector`: of the query, as pgvector's text, by `model`. */
export function getUserSemanticMemories(
  db: Queryable,
  input: OfUser & {
    query: { stems: string[]; weight: number }[];
    vector: string | null;
    model: string | null;
    limit: number;
  },
): Promise<MemoryItemRow[]> {
  return db.call('select * from app.get_user_semantic_memories($1, $2, $3, $4, $5)', [
    ...[input.user_id, JSON.stringify(input.query), input.vector, input.model, input.limit],
  ]);
}

/** What is meant by everything: until when. Runs are told to stop; a job sees to the rest in `after_ms`. */
export async function beginForgetting(
  db: Queryable,
  { user_id, after_ms, request_id }: Asked & { after_ms: number },
): Promise<string> {
  const { before } = await callOne<{ before: string }>(
    db,
    `select app.begin_forgetting($1, $2 * interval '1 millisecond', $3, $4) as before`,
    [user_id, after_ms, request_id, currentTraceparent() ?? null],
  );
  return before;
}

export interface ForgottenSlice {
  contexts: number;
  messages: number;
  memories: number;
  runs: number;
  /** Of the last hours. */
  run_ids: string[];
  is_done: boolean;
  /** A turn still runs, and ends soon. */
  is_waiting: boolean;
}

/**
 * One slice of at most `limit` rows of a kind; again until `is_done`, of which the person's clients are told by `outbox_id`, the same
 * for one time of forgetting.
 */
export async function forgetSlice(
  db: Queryable,
  input: Asked & { before: string; limit: number; outbox_id: string },
): Promise<ForgottenSlice> {
  const { slice } = await callOne<{ slice: ForgottenSlice }>(
    db,
    'select app.forget_everything($1, $2, $3, $4, $5, $6) as slice',
    [
      ...[input.user_id, input.before, input.limit],
      ...[input.outbox_id, input.request_id, currentTraceparent() ?? null],
    ],
  );
  return slice;
}
