import { AppError } from '../platform/errors.ts';
import { newId } from '../platform/uuid.ts';
import type { ModelPort, ModelReport, ModelRole } from './model.ts';
import type { ContextItemKind, Leg } from './prompt.ts';

export type StepKind = 'judge' | 'retrieve' | 'specialist' | 'assess' | 'embed';
export type StepOutcome = 'done' | 'failed' | 'cancelled' | 'abandoned';

/** What a workspace may spend when it has no quota of its own; null: no bound. Cost in millionths of a US dollar, months of UTC. */
export interface UsageLimits {
  tokens_per_day: number | null;
  cost_micros_per_month: number | null;
}

export interface BeginOp {
  op: 'begin';
  step_id: string;
  kind: StepKind;
  provider: string;
  model: string;
  /** SHA-256, hex, of what the model is given. */
  input_hash: string | null;
  /** Held until the step is settled. */
  tokens: number;
  cost_micros: number;
  /** The part of the quota that this step must not pass, so that what can be done without gives way first. */
  share: number;
  limits: UsageLimits;
}
export interface SettleOp {
  op: 'settle';
  step_id: string;
  outcome: StepOutcome;
  model?: string;
  /** When it was not known as the step began. */
  input_hash?: string;
  prompt_tokens: number;
  output_tokens: number;
  thought_tokens: number;
  cached_tokens: number;
  cost_micros: number;
  calls: number;
  latency_ms: number;
  error_code: string | null;
}
/** As it stands in `context_items`. */
export interface LedgerItem {
  kind: ContextItemKind;
  item_id: string | null;
  leg: Leg;
  score: number | null;
  tokens: number;
  is_included: boolean;
  citation: number | null;
}
export interface ItemsOp {
  op: 'items';
  step_id: string;
  items: LedgerItem[];
}
/** Releases what all running steps of the run hold: they belong to a process that died. */
export interface AbandonOp {
  op: 'abandon';
}
/** Gives back what earlier attempts of the run took by steps of these kinds: a turn is paid once. */
export interface RefundOp {
  op: 'refund';
  kinds: StepKind[];
}
export type LedgerOp = BeginOp | SettleOp | ItemsOp | AbandonOp | RefundOp;

/** What a `begin` answers. */
export interface Grant {
  step_id: string;
  granted: boolean;
  reason: string | null;
  reset_at: string | null;
}

/** As a quota runs out the assessor goes first, then rules judge, and the answer itself last. */
const SHARES: Record<ModelRole, number> = { assess: 0.8, judge: 0.9, specialist: 1, embed: 1 };

/** A step that asks the model in this role, with a prompt of so many tokens. `limits`: the service's defaults. */
export function beginStep(
  model: ModelPort,
  role: ModelRole,
  { prompt_tokens, input_hash, limits }: { prompt_tokens: number; input_hash: string | null; limits: UsageLimits },
): BeginOp {
  const name = model.modelOf(role);
  const output_tokens = model.maxOutputTokens(role);
  const usage = { prompt_tokens, output_tokens, thought_tokens: 0, cached_tokens: 0 };
  return {
    ...{ op: 'begin', step_id: newId(), kind: role, provider: model.provider, model: name, input_hash, limits },
    tokens: prompt_tokens + output_tokens,
    cost_micros: model.priceOf(name, usage),
    share: SHARES[role],
  };
}

interface Settled {
  step_id: string;
  outcome: StepOutcome;
  latency_ms: number;
  error_code?: string;
  input_hash?: string | undefined;
  /** Null: no model was asked. */
  report: ModelReport | null;
}

/** What a step took. */
export function settleStep(
  model: ModelPort,
  { step_id, outcome, latency_ms, error_code, input_hash, report }: Settled,
): SettleOp {
  const usage = report?.usage ?? { prompt_tokens: 0, output_tokens: 0, thought_tokens: 0, cached_tokens: 0 };
  return {
    ...{ op: 'settle', step_id, outcome, ...usage },
    ...(report && { model: report.model }),
    ...(input_hash !== undefined && { input_hash }),
    cost_micros: report ? model.priceOf(report.model, usage) : 0,
    calls: report?.calls ?? 0,
    latency_ms: Math.round(latency_ms),
    error_code: error_code ?? null,
  };
}

/** The refusal of a `begin` that was not granted. */
export function quotaRefusal({ reason, reset_at }: Pick<Grant, 'reason' | 'reset_at'>, now: Date): AppError {
  const retry_after_ms = reset_at === null ? 60_000 : Math.max(Date.parse(reset_at) - now.getTime(), 1_000);
  return new AppError('limit', 'usage.quota_exceeded', 'The quota of this workspace is used up.', {
    reason,
    reset_at,
    retry_after_ms,
  });
}
