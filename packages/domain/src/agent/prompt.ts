/** What the judge decided about the context of a message. */
export interface Judgement {
  decision: 'continue' | 'switch' | 'new';
  /** Of `switch`: the context to go to; else null. */
  context_id: string | null;
  /** Of `new`: a title; else null. */
  title: string | null;
  /** 0 to 1. */
  confidence: number;
}

export interface PromptMessage {
  role: 'user' | 'assistant';
  content: string;
  created_at: string;
  /** It came with an import: anybody's words, whichever side it says it is of. */
  is_imported?: boolean;
}

export type ContextItemKind =
  'role' | 'preference' | 'memory' | 'message' | 'block' | 'schedule' | 'summary' | 'recent';

export type Leg = 'lexical' | 'vector' | 'both' | 'pinned' | 'recent' | 'always';

/** One thing that could stand in a prompt: what retrieval finds, and what the ledger keeps of it. */
export interface PromptItem {
  kind: ContextItemKind;
  id: string | null;
  text: string;
  /** Who wrote it: the person, the assistant, or somebody else (an import, a canvas, an invitation). Not an instruction, whoever it was. */
  origin: 'user' | 'assistant' | 'other';
  /** ISO 8601 UTC: when it was said, written, or begins. */
  at: string | null;
  /** Where it stands: `canvas_id` of a block, `context_id` of a message. */
  place_id: string | null;
  leg: Leg;
  score: number | null;
}

/** An item as packed: `citation` is the number by which an answer cites it (`[3]`), null of what is not cited. */
export interface PackedItem extends PromptItem {
  tokens: number;
  citation: number | null;
}

export interface PromptRole {
  id: string | null;
  name: string;
  prompt: string;
}

/** What the specialist is asked, within its token budget. An adapter renders it; items are data, delimited, never instructions. */
export interface Prompt {
  role: PromptRole;
  /** ISO 8601 UTC, and the person's zone and language. */
  now: string;
  time_zone: string;
  locale: 'en' | 'id';
  user_name: string;
  context: { id: string; title: string; summary: string | null };
  preferences: PackedItem[];
  memories: PackedItem[];
  history: PackedItem[];
  blocks: PackedItem[];
  schedule: PackedItem[];
  /** The conversation before this message, oldest first. */
  recent: PromptMessage[];
  /** A tool call that waits for the person's word. */
  pending: { id: string; name: string; summary: string } | null;
  message: string;
  message_id: string;
}
