import type { UndoRow } from '@potentia/db/agent/tool-call-queries';
import type { Intent } from '../rules/intent-words.ts';
import type { Timing } from '../rules/said-when.ts';
import type { Locale } from '../rules/tool-summary.ts';
import { type ToolCtx, toolCtx } from '../tool-ctx.ts';
import type { ToolArguments, ToolName } from '../tool-schemas.ts';

/** One call, as a tool sees it. */
export interface Call {
  id: string;
  run_id: string;
  context_id: string | null;
  /** IANA, of the arguments' times. */
  time_zone: string;
  /** Epoch milliseconds: when it was asked for, or confirmed. */
  now: number;
  locale: Locale;
  /** What the person said in the turn that asks for it; null: they confirm it now. */
  message: { id: string; content: string } | null;
  /** It was begun before, and nobody knows how far it came: what it has done already does not speak against it. */
  is_rerun: boolean;
}

export type CallCtx = ToolCtx & { call: Call };

/** How something is taken back (`undo-tool-call.ts`). */
export type Undo = UndoRow;

export interface Done {
  /** For the model, and for the person's record. */
  result: object;
  /** For the model instead, where the record is to hold less: what is forgotten is not to stand there. */
  told?: object;
  /** For the person's record from now on, in place of the plan's. */
  summary?: string;
  /** Null: it cannot be taken back. */
  undo?: Undo | null;
}

/** What decides whether a write waits for the person's word. */
export interface WritePlan {
  intent: Intent;
  /** Free text that would be written. */
  texts: string[];
  /** What exists and would be changed: its words, by which the person names it, and its id. */
  things: { id: string; words: string }[];
  repeats?: boolean;
  /** The texts are to be what the person said, word for word. */
  is_verbatim?: boolean;
  /** A single word names a thing: `isUnclear` sees to it that it names one. */
  is_hinted?: boolean;
  /** The times that would be written, or of what would go. */
  timing?: Timing;
  /** Whether what the person said could mean another thing as well. Asked when nothing else speaks against it. */
  isUnclear?: () => Promise<boolean>;
  /** What the person said of themselves: that is enough, without an order. */
  is_said?: boolean;
  /** Others would notice: decided from the data. */
  affects_others: boolean;
  /** It cannot be taken back, and more goes than was clearly named. */
  is_destructive?: boolean;
}

/** What a call would do, once everything that it names was found. Nothing is changed before `run`. */
export interface Plan<Name extends ToolName = ToolName> {
  /** As decided: written down, so that what is confirmed is what was shown. Absent: as given. */
  arguments?: ToolArguments<Name>;
  /** What will be, or was, done, for the person. */
  summary: string;
  /** Null: it only reads. */
  write: WritePlan | null;
  run(): Promise<Done>;
}

/** Finds out what a call would do. Throws AppError: what it names is not there, not allowed, or not possible. */
export type Planner<Name extends ToolName> = (
  ctx: CallCtx,
  args: ToolArguments<Name>,
) => Promise<Plan<Name>> | Plan<Name>;

/** The context of a verb that a call runs: whatever it does under this key it does once. */
export const verbCtx = (ctx: CallCtx, part = 'do'): ToolCtx => toolCtx(ctx, `tool:${ctx.call.id}:${part}`);
