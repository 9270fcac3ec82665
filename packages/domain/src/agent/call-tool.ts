import { beginToolCall, getToolCall, type ToolCallRecord } from '@potentia/db/agent/tool-call-queries';
import { findBadValue } from '../canvas/rules/content.ts';
import { languageOf } from '../chat/rules/analyse.ts';
import { tokens } from '../chat/rules/tokens.ts';
import { canonicalJson } from '../platform/rules/canonical-json.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { parseInput } from '../platform/parse.ts';
import { derivedId } from '../platform/uuid.ts';
import { storableText } from './shown-answer.ts';
import { reasonToAsk } from './decide-write.ts';
import { planCall } from './planners.ts';
import { askAgain, explainFailure, isUnavailable, type RanCall, runPlan, shownOf, since } from './run-tool.ts';
import { countCall, type ToolCallInput, type ToolCtx, toolCtx, type ToolOutcome } from './tool-ctx.ts';
import { CONFIRMATION_MS, isToolName, TOOL_NAMES, TOOLS } from './tool-schemas.ts';
import type { Call, CallCtx } from './tools/tool.ts';

/** Characters of a name and of arguments that are written down. */
const MAX_NAME = 100;
const MAX_ARGUMENTS = 20_000;

/**
 * Does what a model asks for, as the person and within their access, or keeps it until the person has confirmed it. Whatever is wrong
 * with the request is an answer that the model can act on. The same request of the same run again is answered as before, and what was
 * begun is done once. Throws AppError `unavailable` alone.
 */
export async function callTool(ctx: ToolCtx, input: ToolCallInput): Promise<ToolOutcome> {
  const id = input.repeats ?? idOf(input);
  const known = await fromDb(() => getToolCall(ctx.db, { user_id: ctx.actor.user_id, tool_call_id: id }));
  if (known && known.call.status !== 'running' && known.call.status !== 'failed') return present(known);
  const call_ctx = { ...toolCtx(ctx), call: callOf(input, id, known?.call.status === 'running') };
  const began = performance.now();
  const record = await decideAndRun(call_ctx, input, known).catch((error: unknown): Promise<RanCall> => {
    if (isUnavailable(error)) throw error;
    return writeFailure(call_ctx, input, error, began);
  });
  countCall(ctx, input.request.name, record.call.status);
  return present(record);
}

/** The same for the same request of a run, in whichever attempt. */
const idOf = ({ run_id, ordinal, request }: ToolCallInput): string =>
  derivedId('tool', run_id, String(ordinal), request.name, canonicalJson(request.arguments ?? null));

function callOf(
  { message, locale, now, time_zone, run_id, context_id }: ToolCallInput,
  id: string,
  is_rerun: boolean,
): Call {
  const language = locale ?? languageOf(tokens(message.content));
  return {
    ...{ id, run_id, context_id, time_zone, message, is_rerun },
    now: Date.parse(now),
    locale: language === 'id' ? 'id' : 'en',
  };
}

async function decideAndRun(ctx: CallCtx, input: ToolCallInput, known: ToolCallRecord | null): Promise<RanCall> {
  const { name } = input.request;
  if (!isToolName(name))
    throw new AppError('invalid', 'tool.unknown', `There is no such tool. There are: ${TOOL_NAMES.join(', ')}`);
  // What was begun is done as it was decided then.
  const given = ctx.call.is_rerun ? known?.call.arguments : input.request.arguments;
  const args: unknown = parseInput(TOOLS[name].arguments, withoutNulls(given));
  const plan = await planCall(ctx, name, args);
  const reason = plan.write && !ctx.call.is_rerun ? await reasonToAsk(ctx, name, plan.write) : null;
  const record = await begin(ctx, input, {
    arguments: plan.arguments ?? args,
    summary: shownOf(plan),
    status: reason === null ? 'running' : 'needs_confirmation',
    confirm_reason: reason,
    waits_ms: reason === null ? null : CONFIRMATION_MS,
  });
  const { status, error_code } = record.call;
  // Another call of this run waits already; or somebody else has done this one meanwhile.
  if (error_code === 'tool.another_waits' || (status !== 'running' && status !== 'failed')) return record;
  return reason === null ? runPlan(ctx, plan) : askAgain(ctx, plan, reason);
}

type Begun = Pick<
  Parameters<typeof beginToolCall>[1],
  'arguments' | 'summary' | 'status' | 'confirm_reason' | 'waits_ms' | 'error_code' | 'result' | 'latency_ms'
>;

function begin(ctx: CallCtx, { run_id, step_id, context_id, request, time_zone }: ToolCallInput, begun: Begun) {
  const name = storableText(request.name).slice(0, MAX_NAME).toWellFormed() || '?';
  const of = { user_id: ctx.actor.user_id, id: ctx.call.id, run_id, step_id, context_id, name, time_zone };
  return fromDb(() => beginToolCall(ctx.db, { ...of, ...begun }));
}

async function writeFailure(
  ctx: CallCtx,
  input: ToolCallInput,
  error: unknown,
  began: number,
): Promise<ToolCallRecord> {
  const failure = explainFailure(ctx, error);
  const record = await begin(ctx, input, {
    arguments: storable(input.request.arguments),
    ...{ summary: null, status: 'failed', confirm_reason: null, waits_ms: null },
    ...{ result: failure, error_code: failure.code, latency_ms: since(began) },
  });
  // Of one that had failed before, this failure is the one to tell.
  return { ...record, call: { ...record.call, status: 'failed', result: failure, error_code: failure.code } };
}

/** Arguments that were never checked, as far as they can be written down. */
function storable(value: unknown): unknown {
  if (value === undefined || findBadValue(value)) return null;
  return JSON.stringify(value).length > MAX_ARGUMENTS ? null : value;
}

/** Models write null for what they leave out. */
function withoutNulls(value: unknown): unknown {
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== null));
}

const WAITS =
  'Nothing has been done. It waits for the word of the person: tell them what it would do, and ask for a yes or a no. Do not call it again.';
const CROWDED =
  'Nothing has been done: another call waits for the word of the person, and one at a time may. Ask about that one first.';

/** A call for the person, and for the model. */
function present({ call, told }: RanCall): ToolOutcome {
  const { tool_call_id, name, status, summary, result, expires_at } = call;
  const tool = { tool_call_id, name, status, summary, arguments: call.arguments, result, expires_at };
  return { tool, response: respond(told ? { ...call, result: told } : call) };
}

function respond({ status, summary, result, confirm_reason, error_code }: ToolCallRecord['call']): object {
  if (status === 'done') return { status, result };
  if (status === 'needs_confirmation') return { status, summary, reason: confirm_reason, note: WAITS };
  if (error_code === 'tool.another_waits') return { status, error: { code: error_code, message: CROWDED } };
  if (status === 'failed') return { status, error: result ?? { code: error_code } };
  return { status, summary };
}
