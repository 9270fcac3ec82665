import type { BegunTurn } from '@potentia/db/agent/turn-queries';
import type { UsageLimits } from './ledger.ts';
import type { ModelPort } from './model.ts';
import type { StepBook } from './step-book.ts';
import type { ToolCtx } from './tool-ctx.ts';
import type { ActiveRun, Turns } from './turns.ts';

/** What a turn needs of the world: a model, its tools' ports, and the process's turns. */
export interface TurnCtx extends ToolCtx {
  model: ModelPort;
  usage_limits: UsageLimits;
  /** What a prompt may take. */
  prompt_tokens: number;
  turns: Turns;
}

/** One turn on its way. */
export interface Turn {
  ctx: TurnCtx;
  run: ActiveRun;
  begun: BegunTurn;
  /** What the person said. */
  content: string;
  language: 'en' | 'id' | 'und';
  locale: 'en' | 'id';
  time_zone: string;
  /** Asked for this time. */
  role_prompt_id: string | null;
  /** The caller named the context. */
  is_pinned: boolean;
  /** The message is a plain yes or no. */
  confirmation: 'yes' | 'no' | null;
  steps: StepBook;
  /** Where the message stands, once that is decided. */
  context_id: string | null;
  /** What the specialist was asked with last, estimated. */
  prompt_tokens: number;
  /** Of `performance.now()`: when it was asked for. */
  began_at: number;
  /** Milliseconds that the judge took. */
  judge_ms: number;
}
