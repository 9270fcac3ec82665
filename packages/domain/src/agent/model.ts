import type { Judgement, Prompt, PromptMessage } from './prompt.ts';

/*
 * The port to a language model. An adapter turns what is asked into one vendor's calls; deadlines, retries, the fallback model and
 * the breaker are the adapter's, the quota and the ledger are the caller's. Every call throws `AppError` alone: `model.timeout`,
 * `model.rate_limited`, `model.quota_exhausted`, `model.unavailable` (kind `unavailable`), `model.blocked`, `model.refused` (kind
 * `precondition`: asking again as it is helps nothing), `model.cancelled` when its signal fired.
 */

/** Tokens as the provider counted them. Thoughts are not part of the output. */
export interface ModelUsage {
  prompt_tokens: number;
  output_tokens: number;
  thought_tokens: number;
  cached_tokens: number;
}

/** What one answer took. `calls` counts requests, with retries, repair and fallback. */
export interface ModelReport {
  provider: string;
  /** The one that answered, which may be the fallback. */
  model: string;
  usage: ModelUsage;
  calls: number;
}

/** An answer and what it took. `is_defaulted`: it could not be read, not even after a repair, and the safe default stands. */
export interface ModelAnswer<T> {
  result: T;
  is_defaulted: boolean;
  report: ModelReport;
}

/** A failure says what it took all the same: `error.meta.report`. */
export interface ModelFailureMeta {
  report?: ModelReport;
  retry_after_ms?: number;
  /** Of a block: why, for the person. */
  reason?: string;
}

export interface ContextBrief {
  id: string;
  title: string;
  summary: string | null;
  last_message_at: string;
}

export interface JudgeInput {
  message: string;
  /** ISO 8601 UTC. */
  now: string;
  time_zone: string;
  /** Null: there is none yet. */
  active: ContextBrief | null;
  /** Other open contexts, the newest first, 20 at most. */
  others: ContextBrief[];
  /** The last 50 messages, oldest first, of whichever context. */
  recent: (PromptMessage & { context_id: string })[];
}

/** JSON Schema of what a tool takes, and what it is for. */
export interface ToolDeclaration {
  name: string;
  description: string;
  parameters: object;
}

export interface ToolRequest {
  /** The provider's, or one that the adapter made. */
  id: string;
  name: string;
  arguments: unknown;
}

/** One answer of the model that asked for tools, and what they gave. */
export interface ToolRound {
  /** The model's own parts, to be sent back as they came (Gemini's thoughtSignature); opaque to everybody but the adapter. */
  raw: unknown;
  results: { request: ToolRequest; response: object }[];
}

export interface RespondInput {
  prompt: Prompt;
  tools: ToolDeclaration[];
  rounds: ToolRound[];
}

export type FinishReason = 'stop' | 'tools' | 'max_tokens' | 'blocked' | 'cancelled' | 'other';

export type RespondEvent =
  | { type: 'text'; text: string }
  | { type: 'tool'; request: ToolRequest }
  /** Always the last one of a call that did not throw. `explanation`: of a block, for the person. */
  | { type: 'finish'; reason: FinishReason; explanation: string | null; raw: unknown; report: ModelReport };

export interface AssessInput {
  /** What the person said in this turn: the only text that anything may be taken from. */
  message: string;
  message_at: string;
  time_zone: string;
  answer: string;
  /** What is known already, so that a correction can name what it corrects. */
  known: { id: string; kind: MemoryKind; subject: string; attribute: string | null; content: string }[];
  title: string;
  summary: string | null;
  /** Of the context, since the summary, oldest first. */
  recent: PromptMessage[];
}

export type MemoryKind = 'preference' | 'rule' | 'fact' | 'memory';

/** Something to be remembered. `quote` stands in the person's message word for word; whatever does not is dropped. */
export interface Finding {
  kind: MemoryKind;
  /** `user`, or the name of whom it is about. */
  subject: string;
  /** What of the subject; needed unless it is a memory. `favourite colour`, `home city`. */
  attribute: string | null;
  content: string;
  quote: string;
  confidence: number;
  /** Of `known`, when this takes its place. */
  supersedes: string | null;
  /** ISO 8601 UTC, when the person said so. */
  valid_from: string | null;
  valid_until: string | null;
}

export interface Assessment {
  findings: Finding[];
  /** Null: stays as it is. */
  title: string | null;
  summary: string | null;
}

export type EmbeddingPurpose = 'query' | 'document';

export interface Embedder {
  /** Vectors of different models are never compared. */
  readonly model: string;
  readonly dimensions: 768;
  /** Unit vectors, in the order of `texts`. At most 100 texts. */
  embed(texts: string[], purpose: EmbeddingPurpose, signal: AbortSignal): Promise<ModelAnswer<number[][]>>;
}

/** Which provider and model a call would go to: for the ledger before it is made. */
export type ModelRole = 'judge' | 'specialist' | 'assess' | 'embed';

export interface ModelPort {
  readonly provider: 'gemini' | 'local-rules';
  judge(input: JudgeInput, signal: AbortSignal): Promise<ModelAnswer<Judgement>>;
  respond(input: RespondInput, signal: AbortSignal): AsyncIterable<RespondEvent>;
  assess(input: AssessInput, signal: AbortSignal): Promise<ModelAnswer<Assessment>>;
  /** Null: there are no vectors, search is by words. */
  readonly embedder: Embedder | null;
  modelOf(role: ModelRole): string;
  /** Millionths of a US dollar, by the configured prices. */
  priceOf(model: string, usage: ModelUsage): number;
  /** An upper estimate, cheap enough for every item of a prompt. */
  estimateTokens(text: string): number;
  /** What an answer of this role takes at most, for reservations. */
  maxOutputTokens(role: ModelRole): number;
  /** Milliseconds that a call of this role takes at most, with its retries. */
  deadlineOf(role: ModelRole): number;
}
