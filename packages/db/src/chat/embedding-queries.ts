import { callOne, type Queryable } from '../client.ts';

/* The queue of what is to be indexed and embedded, and the vectors. As job_user. */

/** Milliseconds: a batch may be large, and each vector is put into an index. */
const DEADLINE = { timeout_ms: 9_000 };

export type SubjectType = 'message' | 'memory' | 'block';

/** What is embedded. A message or memory has a person, a block its place. */
export interface Subject {
  subject_type: SubjectType;
  subject_id: string;
  user_id: string | null;
  workspace_id: string | null;
  canvas_id: string | null;
}

/** A row of the queue as a worker took it: what it does counts only as long as `revision` is still this one. */
export interface QueuedSubject extends Subject {
  revision: number;
  attempts: number;
  created_at: string;
}

/** Takes what is due in a stage for `lease_ms`: what was said just now first. After that time others may take it over. */
export function takeSubjects(
  db: Queryable,
  { is_indexed, limit, lease_ms }: { is_indexed: boolean; limit: number; lease_ms: number },
): Promise<QueuedSubject[]> {
  return db.call<QueuedSubject>(
    `select subject_type, subject_id, user_id, workspace_id, canvas_id, revision, attempts, created_at
     from app.take_embeddings($1, $2, $3)`,
    [is_indexed, limit, `${String(lease_ms)} ms`],
    DEADLINE,
  );
}

/** Their words are in the index: now they wait for vectors, or, unless `waits`, are done. How many were still as they were taken. */
export async function finishIndexing(db: Queryable, subjects: QueuedSubject[], waits: boolean): Promise<number> {
  const { count } = await callOne<{ count: number }>(db, 'select app.finish_indexing($1, $2) as count', [
    subjects,
    waits,
  ]);
  return count;
}

/** Lets them wait until `until`. `burns`: by their own fault; after `max_attempts` of those they are given up. How many were. */
export async function postponeSubjects(
  db: Queryable,
  subjects: QueuedSubject[],
  { until, error, burns, max_attempts }: { until: Date; error: string; burns: boolean; max_attempts: number },
): Promise<number> {
  const { given_up } = await callOne<{ given_up: number }>(
    db,
    'select app.postpone_embeddings($1, $2, $3, $4, $5) as given_up',
    [subjects, until.toISOString(), error, burns, max_attempts],
  );
  return given_up;
}

/** Nothing of what this workspace pays for is taken for its vector until then, `limit` of them at most; how many it was. */
export async function postponePayer(
  db: Queryable,
  { payer_id, until, error, limit }: { payer_id: string; until: Date; error: string; limit: number },
): Promise<number> {
  const params = [payer_id, until.toISOString(), error, limit];
  const { count } = await callOne<{ count: number }>(
    db,
    'select app.postpone_payer($1, $2, $3, $4) as count',
    params,
    DEADLINE,
  );
  return count;
}

/** What the vector of a subject is made of; null: nothing (any more). */
export interface SubjectText extends Pick<QueuedSubject, 'subject_type' | 'subject_id' | 'workspace_id' | 'canvas_id'> {
  text: string | null;
  /** Who pays, and in whose name: the person's own workspace, or the block's. Null: they are gone. */
  payer_id: string | null;
  user_id: string | null;
}

export function readSubjectTexts(db: Queryable, subjects: QueuedSubject[]): Promise<SubjectText[]> {
  return db.call<SubjectText>(
    `select subject_type, subject_id, workspace_id, canvas_id, text, user_id, payer_id
     from app.read_embedding_texts($1)`,
    [subjects],
    DEADLINE,
  );
}

/** Writes the vector of each (null: it shall have none) and ends its wait, unless it changed meanwhile; how many it was. */
export async function storeVectors(
  db: Queryable,
  {
    model,
    dimensions,
    rows,
  }: {
    model: string;
    dimensions: number;
    rows: { subject: QueuedSubject; vector: number[] | null }[];
  },
): Promise<number> {
  const { done } = await callOne<{ done: number }>(
    db,
    'select app.store_embeddings($1, $2, $3, $4) as done',
    [
      ...[model, dimensions],
      rows.map(({ subject }) => subject),
      // A half-precision number has three digits and a bit.
      rows.map(({ vector }) => vector && `[${vector.map((value) => value.toPrecision(5)).join(',')}]`),
    ],
    DEADLINE,
  );
  return done;
}

/** Looks at the next `limit` subjects of a type and enqueues those without words in the index or a vector of `model`. */
export function walkSubjects(
  db: Queryable,
  { subject_type, model, limit }: { subject_type: SubjectType; model: string | null; limit: number },
): Promise<{ looked: number; enqueued: number; is_finished: boolean }> {
  return callOne(db, 'select * from app.walk_embeddings($1, $2, $3)', [subject_type, model, limit], DEADLINE);
}

/** Releases what workers that died had reserved more than `age_ms` ago, `limit` at most; how many steps it was. */
export async function abandonEmbeddings(
  db: Queryable,
  { age_ms, limit }: { age_ms: number; limit: number },
): Promise<number> {
  const { count } = await callOne<{ count: number }>(db, 'select app.abandon_embeddings($1, $2) as count', [
    `${String(age_ms)} ms`,
    limit,
  ]);
  return count;
}

export interface StageBacklog {
  stage: 'index' | 'vector';
  rows: number;
  /** Age of what has waited longest, in seconds. */
  oldest_seconds: number;
  /** Given up. */
  failed: number;
}

export function measureBacklog(db: Queryable): Promise<StageBacklog[]> {
  return db.call<StageBacklog>('select stage, rows, oldest_seconds, failed from app.measure_embeddings()');
}

export interface EmbeddingBacklog {
  /** Messages whose words are not in the index yet. */
  pending: number;
  indexed: number;
  oldest_pending_at: string | null;
  /** `pending`: without a vector of what they say now. `failed`: given up. */
  vectors: { pending: number; embedded: number; failed: number; oldest_pending_at: string | null };
}

/** How far a person's messages have come. For app_user too. */
export async function readEmbeddingBacklog(db: Queryable, user_id: string): Promise<EmbeddingBacklog> {
  const { backlog } = await callOne<{ backlog: EmbeddingBacklog }>(db, 'select app.embedding_backlog($1) as backlog', [
    user_id,
  ]);
  return backlog;
}
