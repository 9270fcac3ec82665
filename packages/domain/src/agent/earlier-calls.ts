import type { ToolRequest } from './model.ts';
import { readStored } from './read-run.ts';
import { isSameRequest } from './rules/same-request.ts';
import { isToolName, TOOLS } from './tool-schemas.ts';
import type { Turn } from './turn-ctx.ts';
import type { TurnTool } from './turn-events.ts';

/** What was done, is being done, or waits for the person's word. */
const COUNTS = new Set<TurnTool['status']>(['done', 'running', 'needs_confirmation']);

/**
 * The writes that attempts of a turn before this one had called for. A model that is asked again asks for them again, hardly ever to the
 * letter; they are to be done once.
 */
export class EarlierCalls {
  readonly #left: TurnTool[];

  private constructor(calls: TurnTool[]) {
    this.#left = calls;
  }

  static async of({ ctx, run }: Turn): Promise<EarlierCalls> {
    if (run.held.attempt === 1) return new EarlierCalls([]);
    const { tools } = await readStored(ctx, run.held.run_id);
    const now = ctx.clock().getTime();
    const counts = ({ name, status, expires_at }: TurnTool): boolean =>
      isToolName(name) && TOOLS[name].is_write && COUNTS.has(status) && !(Date.parse(expires_at ?? '') <= now);
    return new EarlierCalls(tools.filter(counts));
  }

  /** The call that this request repeats, each once; null: it is a new one. */
  take({ name, arguments: given }: ToolRequest): string | null {
    const at = this.#left.findIndex((call) => call.name === name && isSameRequest(given, call.arguments));
    return at < 0 ? null : (this.#left.splice(at, 1)[0]?.tool_call_id ?? null);
  }
}
