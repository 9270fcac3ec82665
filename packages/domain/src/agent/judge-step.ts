import type { JudgementRow, TurnDecision } from '@potentia/db/agent/turn-queries';
import { inSpan } from '@potentia/config/telemetry';
import { newId } from '../platform/uuid.ts';
import type { JudgeInput, ModelFailureMeta } from './model.ts';
import type { Judgement } from './prompt.ts';
import { judgeByRules } from './rules/judge-by-rules.ts';
import { AppError } from '../platform/errors.ts';
import { inputHash } from './step-book.ts';
import type { Turn } from './turn-ctx.ts';

/** Characters of each earlier message, and of each summary, that the judge is shown. */
const SHOWN = 600;
/** Messages that the judge is shown. */
const SHOWN_MESSAGES = 50;
/** What a judge's prompt takes at most, for its reservation: it is made before the messages are read. */
export const JUDGE_TOKENS = 12_000;

/** Where a message goes: what `decideTurn` needs of it. */
export type Placement = Pick<
  TurnDecision,
  | 'decision'
  | 'context_id'
  | 'new_context_id'
  | 'title'
  | 'titled_by'
  | 'is_titled'
  | 'confidence'
  | 'by'
  | 'drop_context_id'
>;

/** Decides to which context a turn's message belongs. Rules decide where the judge is not asked, stays away, or cannot be read. */
export async function judgeStep(turn: Turn): Promise<Placement> {
  const { begun, is_pinned } = turn;
  if (begun.judgement) return standing(begun.judgement);
  if (is_pinned) return staying('caller', 1);
  if (begun.pending && turn.confirmation) return staying('rules', 1);
  const input = judgeInput(turn);
  const byRules = (): Placement => place(turn, judgeByRules(input), 'rules');
  if (!begun.judge?.granted) return byRules();
  return askJudge(turn, input, byRules, begun.judge.step_id);
}

async function askJudge(turn: Turn, input: JudgeInput, byRules: () => Placement, step_id: string): Promise<Placement> {
  const { ctx, run, steps } = turn;
  steps.open(step_id, { inputHash: () => inputHash(input) });
  const began_at = performance.now();
  try {
    const { result, is_defaulted, report } = await inSpan('turn.judge', { run_id: run.held.run_id }, () =>
      ctx.model.judge(input, run.signal),
    );
    const by = is_defaulted || ctx.model.provider === 'local-rules' ? 'rules' : 'model';
    steps.settle(step_id, 'done', report);
    return is_defaulted || !isPossible(result, input) ? byRules() : place(turn, result, by);
  } catch (error) {
    if (run.signal.aborted) throw error;
    const { report } = error instanceof AppError ? (error.meta as ModelFailureMeta) : {};
    const code = error instanceof AppError ? error.code : 'platform.internal';
    ctx.log.warn({ err: error, run_id: run.held.run_id }, 'the judge did not answer; rules decide');
    steps.settle(step_id, 'failed', report ?? null, code);
    return byRules();
  } finally {
    turn.judge_ms = performance.now() - began_at;
  }
}

const clip = (text: string): string => (text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text);

function judgeInput({ content, time_zone, begun }: Turn): JudgeInput {
  const brief = ({ summary, ...rest }: (typeof begun)['context']) => ({ ...rest, summary: summary && clip(summary) });
  return {
    message: content,
    now: begun.message.created_at,
    time_zone,
    active: begun.is_new_context ? null : brief(begun.context),
    others: begun.others.map(brief),
    recent: begun.recent.slice(-SHOWN_MESSAGES).map(({ role, content: text, created_at, context_id, is_imported }) => ({
      ...{ role, content: clip(text), created_at, context_id, is_imported },
    })),
  };
}

const isPossible = ({ decision, context_id }: Judgement, { active, others }: JudgeInput): boolean =>
  decision === 'switch' ? others.some(({ id }) => id === context_id) : decision === 'new' || active !== null;

const nothing = {
  context_id: null,
  new_context_id: null,
  title: null,
  is_titled: false,
  drop_context_id: null,
} as const;

const staying = (by: Placement['by'], confidence: number): Placement => ({
  ...{ ...nothing, decision: 'continue', titled_by: 'rules', by, confidence },
});

/** What an attempt that died had decided: the message stands there already. */
const standing = ({ decision, context_id, confidence, by }: JudgementRow): Placement => ({
  ...{ ...nothing, decision, context_id, titled_by: 'rules', by, confidence },
});

function place(
  { begun }: Turn,
  { decision, context_id, title, confidence }: Judgement,
  by: 'model' | 'rules',
): Placement {
  const made = begun.is_new_context ? begun.context.id : null;
  const base = { ...nothing, titled_by: by, by, confidence };
  if (decision === 'switch') return { ...base, decision, context_id, drop_context_id: made };
  if (decision === 'continue') return { ...base, decision };
  const name =
    title
      ?.replace(/\p{C}+/gu, ' ')
      .trim()
      .slice(0, 200)
      .toWellFormed() || begun.context.title;
  return made
    ? { ...base, decision, title: name, is_titled: true }
    : { ...base, decision, title: name, new_context_id: newId() };
}
