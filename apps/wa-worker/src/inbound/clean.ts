/** Text as JSON and Postgres take it: whoever writes to us chooses its bytes. */
export const cleanText = (text: string): string => text.replaceAll('\0', '').toWellFormed();

/** Cut at a length of characters, never in the middle of one. */
export const cutText = (text: string, length: number): string =>
  Array.from(text.slice(0, length * 2))
    .slice(0, length)
    .join('');

/** As long as phones write a text; and more of anything than a person means. */
const MAX_LENGTH = 65_536;
const MAX_ITEMS = 1_024;

/** WhatsApp's id of a message, as long as ours are. A cut can go through a character. */
export const cleanId = (id: string): string => cleanText(id).slice(0, 128).toWellFormed();

/**
 * The same for whole contents, of which what is too long is cut off; numbers that JSON has none of are null, and what is undefined goes.
 */
export function cleanJson(value: unknown): unknown {
  if (typeof value === 'string') return cleanText(value.slice(0, MAX_LENGTH));
  if (typeof value === 'number') return Number.isFinite(value) ? value || 0 : null;
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map(cleanJson);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(entries.map(([name, field]) => [cleanText(name), cleanJson(field)]));
}
