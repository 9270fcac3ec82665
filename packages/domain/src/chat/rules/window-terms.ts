import { analyse, type Analysis, type Language } from './analyse.ts';
import { authorTerms, splitAuthor } from './author-terms.ts';
import { rangeTerms, type DayRange } from './calendar-terms.ts';

/** A message, as far as it is looked for by its words. */
export interface WindowMessage {
  message_id: string;
  content: string;
  author_name: string | null;
  /** ISO 8601. */
  created_at: string;
  mentions: DayRange[];
}

export interface WindowTerms {
  message_id: string;
  language: Language;
  /** Stem and saturated frequency. */
  terms: [stem: string, weight: number][];
}

/** The figures of BM25 over a window, chosen by measurement (docs/guide/memory.md). */
export interface WindowSettings {
  k1: number;
  b: number;
  /** Words of a window of average length. One figure for everybody, so that a weight depends on no other message. */
  average_length: number;
  previous: number;
  next: number;
  /** Of what a question is found by, how much its answer is found by too. */
  inherited: number;
}

export const WINDOW: WindowSettings = { k1: 0.9, b: 0.4, average_length: 22, previous: 0.5, next: 0.5, inherited: 0.3 };

/** Milliseconds between two messages of a context that have nothing to do with each other. */
export const MAX_GAP_MS = 6 * 3_600_000;
/** Of one message; what weighs least is left out. */
export const MAX_TERMS = 1_000;
/** What a message weighs by who said it: about what its own words do. */
const AUTHOR_WEIGHT = 1.5;
/** Weights are stored with so many digits. */
const DIGITS = 4;

interface Part extends Analysis {
  message: WindowMessage;
  /** Its own days, and who said it: they are not its neighbours'. */
  days: string[];
  authors: string[];
  asks: boolean;
}

/**
 * What each message is found by: its own words and, for less, those of its neighbours; an answer also by what was asked.
 * `messages` are those of one context in their order. The first two and the last lack neighbours unless the context has none there.
 * What is added up is linear in saturated frequencies, so the score of a query is an inner product.
 */
export function windowTerms(messages: readonly WindowMessage[], settings: WindowSettings = WINDOW): WindowTerms[] {
  const parts = messages.map(analysed);
  const windows = parts.map((part, at) => saturated(part, neighbour(parts, at, -1), neighbour(parts, at, 1), settings));
  return parts.map((part, at) => {
    const all = new Map(windows[at]);
    const asked = neighbour(parts, at, -1);
    if (asked?.asks)
      for (const [stem, weight] of windows[at - 1] ?? [])
        all.set(stem, (all.get(stem) ?? 0) + settings.inherited * weight);
    for (const day of part.days) all.set(day, Math.max(all.get(day) ?? 0, 1));
    for (const author of part.authors) all.set(author, AUTHOR_WEIGHT);
    return { message_id: part.message.message_id, language: part.language, terms: heaviest(all) };
  });
}

/** A single text by itself, like a memory or a block. */
export function textTerms(
  text: string,
  days: readonly DayRange[] = [],
  settings: WindowSettings = WINDOW,
): WindowTerms['terms'] {
  const analysis = analyse(text, days);
  return heaviest(saturate(counted(analysis, 1, new Map()), analysis.length, settings));
}

function analysed(message: WindowMessage): Part {
  const { author, text } = splitAuthor(message);
  const day = message.created_at.slice(0, 10);
  return {
    ...analyse(text),
    message,
    authors: author === null ? [] : authorTerms(author),
    days: [...new Set([...message.mentions.flatMap(rangeTerms), ...rangeTerms({ from: day, to: day })])],
    asks: /[?？]/.test(message.content),
  };
}

/** The one before or after, unless too much time lies between. */
function neighbour(parts: readonly Part[], at: number, step: -1 | 1): Part | undefined {
  const here = parts[at];
  const there = parts[at + step];
  if (!here || !there) return undefined;
  const gap = Math.abs(Date.parse(here.message.created_at) - Date.parse(there.message.created_at));
  return gap <= MAX_GAP_MS ? there : undefined;
}

function saturated(
  own: Part,
  previous: Part | undefined,
  next: Part | undefined,
  settings: WindowSettings,
): Map<string, number> {
  const counts = counted(own, 1, new Map());
  let length = own.length;
  if (previous) {
    counted(previous, settings.previous, counts);
    length += settings.previous * previous.length;
  }
  if (next) {
    counted(next, settings.next, counts);
    length += settings.next * next.length;
  }
  return saturate(counts, length, settings);
}

function counted({ stems }: Analysis, weight: number, counts: Map<string, number>): Map<string, number> {
  for (const stem of stems) counts.set(stem, (counts.get(stem) ?? 0) + weight);
  return counts;
}

function saturate(
  counts: Map<string, number>,
  length: number,
  { k1, b, average_length }: WindowSettings,
): Map<string, number> {
  const norm = k1 * (1 - b + (b * length) / average_length);
  for (const [stem, count] of counts) counts.set(stem, (count * (k1 + 1)) / (count + norm));
  return counts;
}

function heaviest(weights: Map<string, number>): WindowTerms['terms'] {
  const all = [...weights].map(([stem, weight]): [string, number] => [stem, Number(weight.toFixed(DIGITS))]);
  return all.length <= MAX_TERMS ? all : all.sort((a, b) => b[1] - a[1]).slice(0, MAX_TERMS);
}
