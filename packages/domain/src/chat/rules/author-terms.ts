import { STOP_WORDS } from './stop-words.ts';
import { tokens } from './tokens.ts';

/** `Ana: …`, `Ana Maria: …`, as exports of chats begin a message; no more than three words. */
const PREFIX = /^\s*(\p{Lu}[\p{L}\p{M}'’.-]{0,30}(?: \p{Lu}[\p{L}\p{M}'’.-]{0,30}){0,2}):\s+/u;

interface Said {
  content: string;
  author_name: string | null;
}

/** Who said it, by its `author_name` or by how it begins, and what was said. */
export function splitAuthor({ content, author_name }: Said): { author: string | null; text: string } {
  if (author_name !== null) return { author: author_name, text: content };
  const prefix = PREFIX.exec(content);
  return prefix
    ? { author: prefix[1] ?? null, text: content.slice(prefix[0].length) }
    : { author: null, text: content };
}

/** Terms by which what somebody said is found, of each of their names; no word begins like them. */
export const authorTerms = (names: string): string[] =>
  tokens(names)
    .filter(({ text, kind }) => kind === 'word' && !STOP_WORDS.en.has(text) && !STOP_WORDS.id.has(text))
    .map(({ text }) => `by:${text}`);
