import { AppError } from '../../platform/errors.ts';
import type { LedgerItem } from '../ledger.ts';
import type { PackedItem, Leg, Prompt, PromptItem, PromptMessage, PromptRole } from '../prompt.ts';
import { cutToTokens } from './cut.ts';

/** The sections whose items compete for room, in the order in which they get it. */
export const SECTIONS = ['preferences', 'memories', 'history', 'schedule', 'blocks'] as const;
export type Section = (typeof SECTIONS)[number];

/** The part of the room that a section may take while others still have something to say. */
const PARTS: Record<Section | 'recent', number> = {
  recent: 0.4,
  preferences: 0.15,
  memories: 0.15,
  history: 0.3,
  schedule: 0.1,
  blocks: 0.25,
};
/** Of what stands around an item: its tags, origin, date and number. */
const ITEM_TOKENS = 40;
/** Of one message of the conversation: its role. */
const MESSAGE_TOKENS = 8;
/** One item takes no more than this; what is longer is cut. */
const MAX_ITEM_TOKENS = 600;
/** Of what was found and stands in the conversation anyway, so many are told once more, so that they can be cited. */
const MAX_REPEATED = 5;
/** What the house says in every prompt: its rules, and the tags of the sections. */
export const HOUSE_TOKENS = 900;

export type RecentMessage = PromptMessage & { id: string };

export interface PackInput extends Pick<
  Prompt,
  'now' | 'time_zone' | 'locale' | 'user_name' | 'pending' | 'message' | 'message_id'
> {
  /** Of the whole prompt. */
  budget_tokens: number;
  /** Of the declarations of the tools, which travel beside the prompt. */
  tool_tokens: number;
  /** Never less than what the model counts. */
  estimate: (text: string) => number;
  /** `leg`: how it was found; `always`, it was not searched for. */
  role: PromptRole & { score: number | null; leg?: Leg };
  context: Prompt['context'];
  /** Candidates, the best first. */
  sections: Record<Section, PromptItem[]>;
  /** Oldest first. */
  recent: RecentMessage[];
}

/** What the packer made of what there was: how many of each section stand in the prompt, and how many there was no room for. */
export interface Packing {
  budget_tokens: number;
  used_tokens: number;
  sections: Record<Section | 'recent' | 'summary', { included: number; left_out: number }>;
}

export interface Packed {
  prompt: Prompt;
  /** Every candidate, for the ledger. */
  items: LedgerItem[];
  packing: Packing;
}

interface Candidate {
  section: Section;
  item: PromptItem;
  text: string;
  tokens: number;
  is_included: boolean;
}

/**
 * The prompt of one turn, never above `budget_tokens` by `estimate`. First what must be there (the message, the role, what waits for
 * a word, pinned memories), then the newest of the conversation, then each section up to its part, then whatever there is still room
 * for, and a few of what was found in the conversation itself. Throws `turn.too_long` when the message alone is more than the budget.
 */
export function packPrompt(input: PackInput): Packed {
  const { estimate, recent, context } = input;
  const room = new Room(input.budget_tokens);
  const must = [input.role.prompt, input.role.name, input.user_name, context.title, input.pending?.summary ?? ''];
  const fixed = must.reduce((sum, text) => sum + estimate(text), HOUSE_TOKENS + input.tool_tokens + MESSAGE_TOKENS);
  if (!room.take(fixed + estimate(input.message))) throw turnTooLong();

  const candidates = SECTIONS.flatMap((section) =>
    input.sections[section].map((item): Candidate => {
      const text = cutToTokens(item.text, MAX_ITEM_TOKENS, estimate);
      return { section, item, text, tokens: estimate(text) + ITEM_TOKENS, is_included: false };
    }),
  );
  const messages = recent.map((message) => {
    const content = cutToTokens(message.content, 2 * MAX_ITEM_TOKENS, estimate);
    return { ...message, content, tokens: estimate(content) + MESSAGE_TOKENS };
  });
  const newest_first = messages.toReversed();

  const pinned = candidates.filter(({ item }) => item.leg === 'pinned');
  for (const candidate of pinned) candidate.is_included = room.take(candidate.tokens);
  const all = room.left;
  let begins = takeRecent(newest_first, 0, room, PARTS.recent * all);
  const summary_tokens = context.summary === null ? 0 : estimate(context.summary) + ITEM_TOKENS;
  const has_summary = context.summary !== null && room.take(summary_tokens);

  const in_recent = new Set(newest_first.slice(0, begins).map(({ id }) => id));
  const others = candidates.filter(({ item, is_included }) => !is_included && !(item.id && in_recent.has(item.id)));
  for (const section of SECTIONS) {
    const part = new Room(Math.min(PARTS[section] * all, room.left));
    for (const candidate of others) {
      if (candidate.section !== section || !part.take(candidate.tokens)) continue;
      candidate.is_included = room.take(candidate.tokens);
    }
  }
  for (const candidate of others) candidate.is_included ||= room.take(candidate.tokens);
  // Only an item has a number by which it is cited.
  const repeated = candidates.filter(({ item, is_included }) => !is_included && item.id && in_recent.has(item.id));
  for (const candidate of repeated.slice(0, MAX_REPEATED)) candidate.is_included = room.take(candidate.tokens);
  begins = takeRecent(newest_first, begins, room, room.left);

  const kept = messages.slice(messages.length - begins);
  const packed = numbered(candidates);
  return {
    prompt: {
      role: { id: input.role.id, name: input.role.name, prompt: input.role.prompt },
      ...{ now: input.now, time_zone: input.time_zone, locale: input.locale, user_name: input.user_name },
      context: { ...context, summary: has_summary ? context.summary : null },
      ...packed.sections,
      recent: kept.map(({ role, content, created_at, is_imported }) => ({
        ...{ role, content, created_at },
        ...(is_imported === true && { is_imported }),
      })),
      ...{ pending: input.pending, message: input.message, message_id: input.message_id },
    },
    items: [
      roleItem(input),
      ...packed.items,
      ...(context.summary === null ? [] : [summaryItem(context.id, summary_tokens, has_summary)]),
      ...messages.map((message, index) => recentItem(message, index >= messages.length - begins)),
    ],
    packing: {
      budget_tokens: input.budget_tokens,
      used_tokens: input.budget_tokens - room.left,
      sections: {
        ...(Object.fromEntries(SECTIONS.map((section) => [section, count(candidates, section)])) as Record<
          Section,
          Counted
        >),
        recent: { included: begins, left_out: messages.length - begins },
        summary: { included: Number(has_summary), left_out: Number(context.summary !== null && !has_summary) },
      },
    },
  };
}

/** The refusal of a message for which no prompt has room. */
export const turnTooLong = (): AppError =>
  new AppError('invalid', 'turn.too_long', 'The message is longer than the model can be asked.', {
    errors: [{ pointer: '/content', message: 'Longer than the model can be asked' }],
  });

/** Tokens that are still free. */
class Room {
  left: number;
  constructor(tokens: number) {
    this.left = tokens;
  }
  take(tokens: number): boolean {
    if (tokens > this.left) return false;
    this.left -= tokens;
    return true;
  }
}

/** Takes messages from `from` on while there is room and they stay within `most` tokens; how many are in now. Without a gap. */
function takeRecent(newest_first: { tokens: number }[], from: number, room: Room, most: number): number {
  const part = new Room(Math.min(most, room.left));
  let taken = from;
  for (const { tokens } of newest_first.slice(from)) {
    if (!part.take(tokens)) break;
    room.take(tokens);
    taken += 1;
  }
  return taken;
}

type Counted = Packing['sections'][Section];
const count = (candidates: Candidate[], section: Section): Counted => {
  const all = candidates.filter((candidate) => candidate.section === section);
  const included = all.filter(({ is_included }) => is_included).length;
  return { included, left_out: all.length - included };
};

/** The sections as packed, each included item with the number by which the answer may cite it. */
function numbered(candidates: Candidate[]): { sections: Record<Section, PackedItem[]>; items: LedgerItem[] } {
  const sections: Record<Section, PackedItem[]> = {
    preferences: [],
    memories: [],
    history: [],
    schedule: [],
    blocks: [],
  };
  let next = 1;
  const items = candidates.map(({ section, item, text, tokens, is_included }): LedgerItem => {
    const citation = is_included && item.id !== null ? next++ : null;
    if (is_included) sections[section].push({ ...item, text, tokens, citation });
    const { kind, id, leg, score } = item;
    return { kind, item_id: id, leg, score, tokens, is_included, citation };
  });
  return { sections, items };
}

const always = { score: null, citation: null } as const;
const roleItem = ({ role, estimate }: PackInput): LedgerItem => ({
  ...{ ...always, kind: 'role', item_id: role.id, leg: role.leg ?? 'always', score: role.score },
  ...{ tokens: estimate(role.prompt), is_included: true },
});
const summaryItem = (context_id: string, tokens: number, is_included: boolean): LedgerItem => ({
  ...{ ...always, kind: 'summary', item_id: context_id, leg: 'always', tokens, is_included },
});
const recentItem = ({ id, tokens }: { id: string; tokens: number }, is_included: boolean): LedgerItem => ({
  ...{ ...always, kind: 'recent', item_id: id, leg: 'recent', tokens, is_included },
});
