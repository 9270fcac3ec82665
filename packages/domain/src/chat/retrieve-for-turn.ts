import { getUserFactsAndRules, getUserSemanticMemories } from '@potentia/db/chat/memory-queries';
import { findRelevantBlocks, findRelevantHistory } from '@potentia/db/chat/search-queries';
import { findRole, type FoundRole } from '../agent/find-role.ts';
import type { ModelPort, ModelReport } from '../agent/model.ts';
import type { PromptItem } from '../agent/prompt.ts';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { queryVector, type NoVector, type QueryVector } from './query-vector.ts';
import { inRetrievalQueue } from './retrieval-queue.ts';
import { findDates } from './rules/dates.ts';
import { legWeights, type LegWeights } from './rules/fuse.ts';
import { messageTerms, queryLanguage, queryTerms, type QueryTerm } from './rules/query.ts';
import { blockItem, historyItems, WITH_NEIGHBOURS } from './rules/retrieved-items.ts';
import { upcomingSchedule } from './upcoming-schedule.ts';

export interface RetrieveInput {
  message: string;
  /** Not found itself. */
  message_id: string;
  workspace_id: string;
  role_prompt_id: string | null;
  time_zone: string;
  /** ISO 8601 UTC. */
  now: string;
  signal: AbortSignal;
  /** Told what the vector of the message took, when it came too late to be `embedding`. */
  onLateVector: (report: ModelReport) => void;
}

/** What could stand in a turn's prompt, each list the best first. */
export interface Retrieved {
  preferences: PromptItem[];
  memories: PromptItem[];
  history: PromptItem[];
  blocks: PromptItem[];
  schedule: PromptItem[];
  role: FoundRole;
  /** What the vector of the message took; null: it has none. */
  embedding: ModelReport | null;
  /** Legs that failed: what they would have found is missing. */
  warnings: string[];
}

export type RetrieveCtx = UserCtx & { model: ModelPort };

/** Candidates of each section; the packer takes what there is room for. */
const LIMITS = { preferences: 50, memories: 20, history: 20, blocks: 10 };
/** Milliseconds that a turn waits for the vector of its message: with what follows, no longer than a judge takes. */
const VECTOR_MS = 250;
/** Characters of a message that are looked for: of a letter that somebody pastes, the beginning. */
const MAX_LOOKED_FOR = 4_000;
/** Nobody's role: what answers when roles cannot be read. */
const NO_ROLE: FoundRole = {
  ...{ id: null, name: 'Partner', score: null, leg: 'always', chosen_by: 'default' },
  prompt: 'You are a thoughtful partner: clear, honest and brief.',
};

/** What is looked for. */
interface Asked {
  user_id: string;
  query: QueryTerm[];
  vector: number[] | null;
  model: string | null;
}

/**
 * Everything that a turn's prompt may draw on. The vector of the message is waited for shortly; without it memories, history and blocks
 * are found by their words. Then all legs at once: what is under way meanwhile are the judges, of this turn and of others. A leg that
 * fails leaves the others as they are. Throws only when `signal` fires.
 */
export async function retrieveForTurn(ctx: RetrieveCtx, input: RetrieveInput): Promise<Retrieved> {
  const { user_id } = ctx.actor;
  const { signal, time_zone, now } = input;
  const message = input.message.slice(0, MAX_LOOKED_FOR);
  const days = findDates(message, { at: now, time_zone, language: queryLanguage(message) });
  const query = queryTerms(message, days);
  const warnings: string[] = [];
  const leg = async <T>(name: string, find: () => Promise<T>, nothing: T): Promise<T> => {
    try {
      return await find();
    } catch (error) {
      signal.throwIfAborted();
      ctx.log.warn({ err: error, leg: name }, 'a leg of retrieval failed');
      warnings.push(`retrieve.${name}_failed`);
      return nothing;
    }
  };
  // What says nothing is not worth a vector: "yes", "thanks".
  const embed = (): Promise<QueryVector | NoVector> =>
    query.length === 0
      ? Promise.resolve('off')
      : queryVector(ctx.model, message, { signal, within_ms: VECTOR_MS, onLate: input.onLateVector });
  const embedded = await leg<QueryVector | NoVector | 'failed'>('vector', embed, 'failed');
  if (embedded === 'unavailable') warnings.push('retrieve.vector_failed');
  const { vector, model, report } =
    typeof embedded === 'string' ? { vector: null, model: null, report: null } : embedded;
  const asked = { user_id, query, vector, model };
  const legs = () =>
    Promise.all([
      leg('preferences', () => fromDb(() => getUserFactsAndRules(ctx.db, { user_id, limit: LIMITS.preferences })), []),
      leg('memories', () => findMemories(ctx, asked), []),
      leg('history', () => findHistory(ctx, asked, messageTerms(message, days), input.message_id), []),
      leg('blocks', () => findBlocks(ctx, asked), []),
      leg('schedule', () => upcomingSchedule(ctx, { now, time_zone }), []),
      leg('role', () => findRole(ctx, { ...input, message }), NO_ROLE),
    ]);
  const [preferences, memories, history, blocks, schedule, role] = await inRetrievalQueue(ctx.db, signal, legs);
  return { preferences, memories, history, blocks, schedule, role, embedding: report, warnings };
}

function findMemories({ db }: RetrieveCtx, { vector, ...asked }: Asked): Promise<PromptItem[]> {
  const text = vector && JSON.stringify(vector);
  return fromDb(() => getUserSemanticMemories(db, { ...asked, vector: text, limit: LIMITS.memories }));
}

async function findHistory(
  { db }: RetrieveCtx,
  asked: Asked,
  query: QueryTerm[],
  message_id: string,
): Promise<PromptItem[]> {
  const options = { ...weightsOf(asked), without: [message_id], neighbours: 1, neighbours_of: WITH_NEIGHBOURS };
  const rows = await fromDb(() => findRelevantHistory(db, { ...asked, query, limit: LIMITS.history, options }));
  return historyItems(rows, message_id);
}

async function findBlocks({ db }: RetrieveCtx, asked: Asked): Promise<PromptItem[]> {
  const options = weightsOf(asked);
  const rows = await fromDb(() => findRelevantBlocks(db, { ...asked, limit: LIMITS.blocks, options }));
  return rows.map(blockItem);
}

const weightsOf = ({ model }: Asked): { weights?: LegWeights } =>
  model === null ? {} : { weights: legWeights(model) };
