import type { ToolName } from '../tool-schemas.ts';
import type { Clock } from './clock-words.ts';
import type { Settled } from './resolve-when.ts';
import type { Language } from './say-when.ts';

/** A tool to be called. */
export interface ToolDraft {
  name: ToolName;
  arguments: Record<string, unknown>;
}

/** Which occurrences of something that repeats: null was not said. */
export type Scope = 'this' | 'all' | null;

/** What stands in a calendar, as the person names it: how it is looked for, and by which words it is known among what is found. */
export interface Wanted {
  find: ToolDraft;
  words: string;
  scope: Scope;
  /** When it begins, in minutes from midnight; null: not said. */
  minute: number | null;
}

/** Where something in a calendar goes to. */
export type Target =
  | { kind: 'by'; minutes: number }
  /** `day` counts from 1970-01-01; null: stays on its day. A null `from` keeps its time of day. */
  | { kind: 'to'; day: number | null; from: Clock | null; to: Clock | null }
  | { kind: 'calendar'; name: string };

/** What a message orders. */
export type Order =
  | { verb: 'call'; calls: ToolDraft[]; understood: string | null }
  /** What is unclear is asked, not guessed. */
  | { verb: 'ask'; question: string }
  | { verb: 'cancel'; wanted: Wanted }
  | { verb: 'move'; wanted: Wanted; target: Target }
  /** Reminds again of what was last reminded of. */
  | { verb: 'snooze'; find: ToolDraft; settled: Settled; understood: string }
  | { verb: 'append'; canvas: string; texts: string[]; type: 'todo' | 'text' }
  | { verb: 'read'; canvas: string }
  | { verb: 'complete'; canvas: string | null; text: string; is_done: boolean };

export type Command = Order & { language: Language };
