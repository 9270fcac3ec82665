import { callOne, type Queryable } from '../client.ts';

/** A context as the judge is told of it. */
export interface ContextBriefRow {
  id: string;
  title: string;
  summary: string | null;
  last_message_at: string;
}

export interface RecentMessageRow {
  id: string;
  role: 'user' | 'assistant';
  is_imported: boolean;
  /** The first 8,000 characters. */
  content: string;
  created_at: string;
  context_id: string;
}

export interface JudgementRow {
  decision: 'continue' | 'switch' | 'new';
  context_id: string;
  /** Missing once what was said is deleted. */
  title: string;
  confidence: number;
  by: 'model' | 'rules' | 'caller';
}

/** What a `begin` of the ledger answered. */
export interface GrantRow {
  step_id: string;
  granted: boolean;
  reason: string | null;
  reset_at: string | null;
}

export interface NewTurn {
  user_id: string;
  run_id: string;
  idempotency_key: string;
  /** The same key with another hash is refused. */
  request_hash: string;
  /** Null: the personal one. */
  workspace_id: string | null;
  /** Null: the judge decides. */
  context_id: string | null;
  role_prompt_id: string | null;
  source: 'chat' | 'whatsapp';
  message_id: string;
  content: string;
  language: 'en' | 'id' | 'und';
  /** Of a context for an account that has none, and its title. */
  new_context_id: string;
  title: string;
  /** The message is a yes or a no and nothing else. */
  is_answer: boolean;
  lease_owner: string;
  lease_ms: number;
  /** Of one person, on all replicas. */
  max_running: number;
  /** What there must be room for, or the turn is refused. */
  hold: object;
  /** The op that begins the judge's step; done only when there is something to judge. */
  judge: object;
  request_id: string;
  traceparent: string | null;
}

interface TurnState {
  run_id: string;
  attempt: number;
  lease_owner: string | null;
}

export interface BegunTurn extends TurnState {
  outcome: 'begun';
  workspace_id: string;
  /** Of an attempt that died after it had decided. */
  judgement: JudgementRow | null;
  message: { id: string; created_at: string; seq: number };
  user: { name: string; locale: 'en' | 'id' | null; time_zone: string };
  settings: { role_prompt_id: string | null; is_memory_enabled: boolean };
  /** Where the message stands for now. */
  context: ContextBriefRow;
  is_new_context: boolean;
  others: ContextBriefRow[];
  /** Oldest first: the last 50 of this context and, unless the caller named it, the last 50 of all. */
  recent: RecentMessageRow[];
  /** A tool call of this context that waits for the person's word. */
  pending: { id: string; name: string; summary: string | null; is_asked: boolean } | null;
  /** Null: there is nothing to judge. */
  judge: GrantRow | null;
}

export type TurnBeginning =
  | BegunTurn
  /** `stored`: it is done or was cancelled. `running`: somebody holds its lease. */
  | (TurnState & { outcome: 'stored' | 'running' })
  /** The quota is used up: the run is failed, the message kept. */
  | (TurnState & { outcome: 'refused'; reason: string; reset_at: string });

/**
 * Begins a turn in one transaction: message, run, lease and the judge's reservation. Throws `turn.key_reused`, `turn.too_many`,
 * `workspace.not_found`, `role_prompt.not_found`, `chat.context_not_found`.
 */
export async function beginTurn(db: Queryable, { user_id, ...turn }: NewTurn): Promise<TurnBeginning> {
  const { begun } = await callOne<{ begun: TurnBeginning }>(db, 'select app.begin_turn($1, $2) as begun', [
    user_id,
    turn,
  ]);
  return begun;
}

/** Which attempt of a run speaks. */
export interface HeldRun {
  user_id: string;
  run_id: string;
  attempt: number;
  lease_owner: string;
}

export interface TurnDecision {
  decision: 'continue' | 'switch' | 'new';
  /** Of `switch`. */
  context_id: string | null;
  /** Of `new`: of the context to be made; null: that which was made for the message stays. */
  new_context_id: string | null;
  title: string | null;
  titled_by: 'rules' | 'model';
  /** The context that the message gets has this title from now on, unless the person has named it. */
  is_titled: boolean;
  confidence: number;
  by: 'model' | 'rules' | 'caller';
  /** A context that was made for the message, which goes if the message goes elsewhere. */
  drop_context_id: string | null;
  mentions: object[];
  role_prompt_id: string | null;
  packing: object | null;
}

const runOf = ({ run_id, attempt, lease_owner }: HeldRun): object => ({ run_id, attempt, lease_owner });

/** Writes what was decided, and does `ops` in the ledger. Throws `turn.superseded`, `chat.message_not_found`. */
export async function decideTurn(
  db: Queryable,
  run: HeldRun,
  decision: TurnDecision,
  ops: object[],
): Promise<{ judgement: JudgementRow; results: unknown[] }> {
  const { decided } = await callOne<{ decided: { judgement: JudgementRow; results: unknown[] } }>(
    db,
    'select app.decide_turn($1, $2, $3, $4) as decided',
    [run.user_id, runOf(run), decision, ops],
  );
  return decided;
}

export interface TurnEnd {
  message_id: string;
  /** Empty: there is no message. */
  content: string;
  language: 'en' | 'id' | 'und';
  status: 'done' | 'cancelled';
  finish_reason: string;
  citations: object[];
  first_token_at: string | null;
  /** Whether something may be remembered of it. */
  assess: boolean;
}

export interface TurnUsageRow {
  prompt_tokens: number;
  output_tokens: number;
  thought_tokens: number;
  cached_tokens: number;
  cost_micros: number;
}

/** Ends a turn with its answer. Throws `turn.superseded`, `chat.message_not_found`. */
export async function finishTurn(
  db: Queryable,
  run: HeldRun,
  end: TurnEnd,
  ops: object[],
): Promise<{ context_id: string; message_id: string | null; usage: TurnUsageRow }> {
  const { finished } = await callOne<{
    finished: { context_id: string; message_id: string | null; usage: TurnUsageRow };
  }>(db, 'select app.finish_turn($1, $2, $3, $4) as finished', [run.user_id, runOf(run), end, ops]);
  return finished;
}

/** What the person has seen of an answer that did not come to its end. */
export type ShownAnswer = Pick<TurnEnd, 'message_id' | 'content' | 'language' | 'citations' | 'first_token_at'>;

/** Ends a turn without its answer; what was shown of it is kept until another attempt has one. Throws `turn.superseded`. */
export async function failTurn(
  db: Queryable,
  run: HeldRun,
  failure: { code: string; detail: string; shown: (ShownAnswer & { finish_reason: 'failed' }) | null },
  ops: object[],
): Promise<void> {
  await db.call('select app.fail_turn($1, $2, $3, $4)', [run.user_id, runOf(run), failure, ops]);
}

/** Does `ops` in the ledger of a run while it is this attempt's. Throws `turn.superseded`. */
export async function continueTurn<Result>(db: Queryable, run: HeldRun, ops: object[]): Promise<Result[]> {
  const params = [run.user_id, runOf(run), ops];
  return (await callOne<{ results: Result[] }>(db, 'select app.continue_turn($1, $2, $3) as results', params)).results;
}

/** The runs of `run_ids` that are still this process's, each held for another `lease_ms`. */
export function renewTurns(
  db: Queryable,
  { lease_owner, run_ids, lease_ms }: { lease_owner: string; run_ids: string[]; lease_ms: number },
): Promise<{ run_id: string; is_cancelled: boolean }[]> {
  return db.call('select run_id, is_cancelled from app.renew_turns($1, $2, $3)', [lease_owner, run_ids, lease_ms]);
}

export type RunStatus = 'running' | 'done' | 'failed' | 'cancelled';

/** Asks for the end of a run; how it stands. Throws `agent.run_not_found`. */
export async function cancelTurn(db: Queryable, run: { user_id: string; run_id: string }): Promise<RunStatus> {
  const params = [run.user_id, run.run_id];
  return (await callOne<{ status: RunStatus }>(db, 'select app.cancel_turn($1, $2) as status', params)).status;
}

export interface StoredMessage {
  id: string;
  content: string;
  created_at: string;
}

export interface TurnRow<Citation, Tool> {
  run_id: string;
  status: RunStatus;
  attempt: number;
  context_id: string | null;
  /** A process is at it. */
  is_held: boolean;
  judgement: JudgementRow | null;
  /** Null: deleted meanwhile. */
  user_message: StoredMessage | null;
  message: StoredMessage | null;
  finish_reason: string | null;
  citations: Citation[];
  tools: Tool[];
  usage: TurnUsageRow;
  error_code: string | null;
  error_detail: string | null;
}

/** A turn as it stands. Throws `agent.run_not_found`. */
export async function getTurn<Citation, Tool>(
  db: Queryable,
  run: { user_id: string; run_id: string },
): Promise<TurnRow<Citation, Tool>> {
  const params = [run.user_id, run.run_id];
  return (await callOne<{ turn: TurnRow<Citation, Tool> }>(db, 'select app.get_turn($1, $2) as turn', params)).turn;
}

/** The last messages of a context before one, oldest first. */
export async function getRecentMessages(
  db: Queryable,
  input: { user_id: string; context_id: string; before: { created_at: string; seq: number }; limit: number },
): Promise<RecentMessageRow[]> {
  const { user_id, context_id, before, limit } = input;
  const { recent } = await callOne<{ recent: RecentMessageRow[] }>(
    db,
    'select app.get_recent_messages($1, $2, $3, $4, $5) as recent',
    [user_id, context_id, before.created_at, before.seq, limit],
  );
  return recent;
}

export interface LeftTurn {
  user_id: string;
  run_id: string;
  attempt: number;
  /** Since nobody holds it. */
  seconds: number;
}

/** For job_user: runs that nobody has held for `after_ms`, `limit` at most. */
export function findLeftTurns(db: Queryable, options: { after_ms: number; limit: number }): Promise<LeftTurn[]> {
  const text = 'select user_id, run_id, attempt, seconds from app.find_left_turns($1, $2)';
  return db.call(text, [options.after_ms, options.limit]);
}

/** For job_user: ends one of them, with what was shown of its answer; false: somebody has it by now, or has ended it. */
export async function sweepTurn(
  db: Queryable,
  { user_id, run_id, attempt }: LeftTurn,
  shown: ShownAnswer | null,
): Promise<boolean> {
  const params = [user_id, run_id, attempt, shown];
  return (await callOne<{ swept: boolean }>(db, 'select app.sweep_turn($1, $2, $3, $4) as swept', params)).swept;
}
