import type { BusyCtx } from '../calendar/busy-cache.ts';
import type { GuestCtx } from '../calendar/guest-ctx.ts';
import type { ToolRequest } from './model.ts';
import type { RunEraser } from './run-eraser.ts';
import { isToolName } from './tool-schemas.ts';
import type { TurnTool } from './turn-events.ts';

/** What is told of calls. */
export interface ToolMetrics {
  /** `name`: of a tool, or `unknown`. `status`: what became of it: done, failed, needs_confirmation, declined, undone. */
  countCall(name: string, status: string): void;
}

/** What tools need of the world: what their verbs do. */
export type ToolCtx = BusyCtx & GuestCtx & { tool_metrics?: ToolMetrics; run_eraser?: RunEraser };

/** A model's wish to call a tool, in the turn that it belongs to. */
export interface ToolCallInput {
  run_id: string;
  step_id: string;
  context_id: string | null;
  /** Counts the requests of a run, from 0 with each attempt. */
  ordinal: number;
  request: ToolRequest;
  /** The call of an earlier attempt that this one repeats, perhaps in other words; null: none. */
  repeats?: string | null;
  /** What the person said in this turn: what writes are measured by. */
  message: { id: string; content: string };
  /** IANA, in which the arguments' times are. */
  time_zone: string;
  /** ISO 8601 UTC: when the person said it. */
  now: string;
  /** Of summaries; absent: the language of the message. */
  locale?: 'en' | 'id';
}

export interface ToolOutcome {
  /** For the person. */
  tool: TurnTool;
  /** For the model. */
  response: object;
}

/** Counts what became of a call. */
export const countCall = ({ tool_metrics }: Pick<ToolCtx, 'tool_metrics'>, name: string, status: string): void =>
  tool_metrics?.countCall(isToolName(name) ? name : 'unknown', status);

/** The context of a verb that does what it does under this key once; without one, of verbs that only read. */
export const toolCtx = (ctx: ToolCtx, idempotency_key?: string): ToolCtx => ({
  db: ctx.db,
  bus: ctx.bus,
  log: ctx.log,
  actor: ctx.actor,
  clock: ctx.clock,
  request_id: ctx.request_id,
  busy: ctx.busy,
  limiter: ctx.limiter,
  ...(ctx.run_eraser && { run_eraser: ctx.run_eraser }),
  ...(ctx.tool_metrics && { tool_metrics: ctx.tool_metrics }),
  ...(idempotency_key !== undefined && { idempotency_key }),
});
