import type { ToolRequest } from '../model.ts';

export interface CommandAt {
  /** ISO 8601 UTC. */
  now: string;
  time_zone: string;
}

/** A tool to be called. */
export type ToolDraft = Pick<ToolRequest, 'name'> & { arguments: Record<string, unknown> };

/** What a message orders, in English or Indonesian. */
export type Command = { language: 'en' | 'id' } & (
  | { verb: 'call'; call: ToolDraft; understood: string }
  /** What is unclear is asked, not guessed. */
  | { verb: 'ask'; question: string }
);

/** The order in a message. Null: it is none. */
export function parseCommand(_text: string, _at: CommandAt): Command | null {
  return null;
}
