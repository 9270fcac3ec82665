import { printLocal, toLocal } from '../../calendar/rules/zones.ts';
import type { PackedItem } from '../prompt.ts';

/*
 * How material stands in a prompt: between marks that nothing in it can contain, with its number, its origin and its date. What a
 * mark is made of is taken out of every text, so that no text ends its own section or begins another one.
 */

const OPEN = '⟦';
const CLOSE = '⟧';

const MARKS: Record<string, string> = { [OPEN]: '[', [CLOSE]: ']' };

/** The text without what a mark is made of. */
export const unmarked = (text: string): string => text.replace(/[⟦⟧]/g, (mark) => MARKS[mark] ?? '');

/** One line of at most 120 characters, for what stands inside a mark. */
const label = (text: string): string =>
  unmarked(text)
    .replace(/[\s|]+/g, ' ')
    .trim()
    .slice(0, 120);

/** `kind` is ours, never a person's text; empty labels are left out. */
export function section(kind: string, labels: (string | null)[], text: string): string {
  const shown = labels.map((item) => label(item ?? '')).filter((item) => item !== '');
  return `${OPEN}${[kind, ...shown].join(' | ')}${CLOSE}\n${unmarked(text)}\n${OPEN}end${CLOSE}`;
}

const ORIGINS: Record<PackedItem['origin'], string> = {
  user: 'from the person',
  assistant: 'from you',
  other: 'from somebody else',
};

/** An item with the number by which it is cited. */
export function itemSection(item: PackedItem, time_zone: string): string {
  const kind = item.citation === null ? item.kind : `${item.kind} [${item.citation}]`;
  return section(kind, [ORIGINS[item.origin], item.at && localTime(item.at, time_zone)], item.text);
}

const MINUTE_MS = 60_000;
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** `2026-11-12 Thursday 09:30`, on the clocks of the zone. Empty when `at` is no time. */
export function localTime(at: string, time_zone: string): string {
  const instant = Date.parse(at);
  if (Number.isNaN(instant)) return '';
  const local = toLocal(instant, time_zone);
  const printed = printLocal(Math.floor(local / MINUTE_MS) * MINUTE_MS, false);
  return `${printed.slice(0, 10)} ${DAYS[new Date(local).getUTCDay()] ?? ''} ${printed.slice(11, 16)}`;
}
