import { callOne, type Queryable } from '../client.ts';

interface OfRun {
  user_id: string;
  run_id: string;
}

export interface AssessmentRow {
  status: string;
  is_assessed: boolean;
  is_memory_enabled: boolean;
  time_zone: string;
  message: { id: string; content: string; role: string; source: string; created_at: string };
  /** Null: there was none. */
  answer: { content: string; seq: number } | null;
  /** `seq` is the message's. */
  context: { id: string; title: string; titled_by: string; summary: string | null; seq: number; version: number };
  recent: { role: 'user' | 'assistant'; content: string; created_at: string }[];
  known: {
    id: string;
    kind: 'preference' | 'rule' | 'fact' | 'memory';
    subject: string;
    attribute: string | null;
    content: string;
  }[];
}

/** What a turn is assessed by. Null: the run, or what the person said, is gone. */
export async function readAssessment(
  db: Queryable,
  { user_id, run_id, limit }: OfRun & { limit: number },
): Promise<AssessmentRow | null> {
  const { row } = await callOne<{ row: AssessmentRow | null }>(db, 'select app.read_assessment($1, $2, $3) as row', [
    ...[user_id, run_id, limit],
  ]);
  return row;
}

/**
 * Whether an assessor may begin: `busy` when another has begun less than `patience_ms` ago. In a transaction with the person's context,
 * as below; nobody else begins until it ends.
 */
export async function mayAssess(
  db: Queryable,
  { user_id, run_id, patience_ms }: OfRun & { patience_ms: number },
): Promise<'free' | 'assessed' | 'busy'> {
  const { state } = await callOne<{ state: 'free' | 'assessed' | 'busy' }>(
    db,
    `select app.may_assess($1, $2, $3 * interval '1 millisecond') as state`,
    [user_id, run_id, patience_ms],
  );
  return state;
}

/** Locks what is remembered; whether the findings of this step still count. */
export async function claimAssessment(
  db: Queryable,
  { user_id, run_id, step_id, message_id }: OfRun & { step_id: string; message_id: string },
): Promise<boolean> {
  const { claimed } = await callOne<{ claimed: boolean }>(
    db,
    'select app.claim_assessment($1, $2, $3, $4) as claimed',
    [user_id, run_id, step_id, message_id],
  );
  return claimed;
}

interface ContextDescription {
  user_id: string;
  context_id: string;
  title: string | null;
  summary: string | null;
  until: number;
  version: number;
}

/** Null leaves as it is, and so does a `version` that is not the context's any more. */
export async function describeContext(db: Queryable, input: ContextDescription): Promise<void> {
  await db.call('select app.describe_context($1, $2, $3, $4, $5, $6)', [
    ...[input.user_id, input.context_id, input.title, input.summary, input.until, input.version],
  ]);
}
