import type { PackedItem, Prompt } from './prompt.ts';
import type { Citation } from './turn-events.ts';

/** Characters of a source that are shown. */
const EXCERPT = 300;
const KINDS = new Set<string>(['preference', 'memory', 'message', 'block', 'schedule']);
/** `[3]`, `[1, 4]`. */
const MARKS = /\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]/g;
/** A mark is no longer than this, so it is looked for again in so much of what came before. */
const MARK_LENGTH = 64;

/** Finds what an answer cites, as it is said: each source once, when it is named first. Numbers that name nothing are nothing. */
export class Citations {
  readonly #sources = new Map<number, PackedItem>();
  readonly #cited = new Map<number, Citation>();
  #tail = '';

  constructor(prompt: Prompt) {
    const { preferences, memories, history, blocks, schedule } = prompt;
    for (const item of [preferences, memories, history, blocks, schedule].flat()) {
      if (item.citation !== null) this.#sources.set(item.citation, item);
    }
  }

  /** Everything cited so far. */
  get cited(): Citation[] {
    return [...this.#cited.values()];
  }

  /** What is cited for the first time, with `text` said. */
  read(text: string): Citation[] {
    const seen = this.#tail + text;
    this.#tail = seen.slice(-MARK_LENGTH);
    const numbers = [...seen.matchAll(MARKS)].flatMap(([, list = '']) => list.split(/[,;]/).map(Number));
    return numbers.flatMap((index) => {
      const item = this.#sources.get(index);
      if (!item || item.id === null || !KINDS.has(item.kind) || this.#cited.has(index)) return [];
      const { id, kind, place_id, at, leg, score } = item;
      const excerpt = item.text.length > EXCERPT ? `${item.text.slice(0, EXCERPT - 1)}…` : item.text;
      const citation: Citation = { index, kind: kind as Citation['kind'], id, place_id, excerpt, at, leg, score };
      this.#cited.set(index, citation);
      return [citation];
    });
  }
}
