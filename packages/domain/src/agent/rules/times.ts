import { partOf } from '../../chat/rules/date-words.ts';
import { withoutOverlaps } from '../../chat/rules/date-spans.ts';
import { type Clock, HOUR_WORDS, hourOf, PART_WORDS } from './clock-words.ts';

/** A time of day in a text, and where it ends if it is a range. */
export interface TimeSpan {
  start: number;
  end: number;
  from: Clock;
  to: Clock | null;
}

/** Stands for what was read already, so that nothing is read twice and nothing across it. */
export const TAKEN = '\u0001';

const LEAD = '(?:at|@|around|about|by|before|until|till|from|between|jam|pukul|pkl\\.?|dari|antara|mulai|sekitar)';
const H = '(?:[01]?\\d|2[0-4])';
const CLOCK = (n: string): string =>
  `(?<h${n}>${H})(?:(?<sep${n}>[:.])(?<m${n}>[0-5]\\d))?(?!\\d)(?:\\s*(?<ap${n}>[ap]\\.?m\\b\\.?))?`;
const PART = `(?:\\s+(?:in\\s+the\\s+|at\\s+|di\\s+)?(?<part>${PART_WORDS})\\b(?:\\s+hari\\b)?)?`;
const ZONE = '(?:\\s+(?:wib|wita|wit)\\b)?';
/** What makes a number no time: a unit, a share, a date. */
const NO_COUNT =
  '(?!\\s*(?:%|minutes?\\b|mins?\\b|hours?\\b|hrs?\\b|days?\\b|weeks?\\b|months?\\b|years?\\b|times\\b|people\\b|menit\\b|jam\\b|hari\\b|minggu\\b|bulan\\b|tahun\\b|kali\\b|orang\\b|[/.]\\d|[-–]\\d))';

const RANGE = new RegExp(
  `(?<![\\d:.,/-])(?:\\b(?:(?<lead>${LEAD})\\s*(?:jam\\s+|pukul\\s+)?))?${CLOCK('1')}\\s*(?<to>[-–—]|to|until|till|and|sampai(?:\\s+(?:dengan|jam|pukul))?|hingga|s\\/d|sd|dan)\\s*(?:jam\\s+|pukul\\s+)?${CLOCK('2')}${NO_COUNT}${ZONE}${PART}`,
  'giu',
);
const EXACT = new RegExp(
  `(?<![\\d:.,/-])(?:\\b(?<lead>${LEAD})\\s*)?(?<h>${H})(?<sep>[:.])(?<m>[0-5]\\d)(?![\\d.:])(?:\\s*(?<ap>[ap]\\.?m\\b\\.?))?${ZONE}${PART}`,
  'giu',
);
const MERIDIEM = new RegExp(
  `(?<![\\d:.,/-])(?:\\b(?:${LEAD})\\s*)?\\b(?<h>1[0-2]|0?[1-9])\\s*(?<ap>[ap]\\.?m)\\b\\.?`,
  'giu',
);
const BARE = new RegExp(
  `\\b(?:around|about|by|sekitar\\s+)?\\s*(?<lead>at|@|by|jam|pukul|pkl\\.?)\\s*(?<half>setengah\\s+)?(?<h>${H}|${HOUR_WORDS})\\b(?![:.]\\d)${NO_COUNT}(?:\\s+o['’]?clock\\b)?(?:\\s+(?<how>lewat|lebih|kurang)\\s+(?<by>\\d{1,2}|seperempat|lima|sepuluh|dua\\s+puluh)(?:\\s+menit)?)?${ZONE}${PART}`,
  'giu',
);
const WITH_PART = new RegExp(
  `(?<![\\d:.,/-])\\b(?<h>${H})(?:\\s+o['’]?clock)?\\s+(?:in\\s+the\\s+|at\\s+)?(?<part>${PART_WORDS})\\b|\\b(?<h2>${H}|${HOUR_WORDS})\\s+o['’]?clock\\b`,
  'giu',
);
const PAST_TO = new RegExp(
  `\\b(?:at\\s+)?(?<what>half|a?\\s*quarter|\\d{1,2}|five|ten|twenty)(?:\\s+minutes)?\\s+(?<how>past|to|after)\\s+(?<h>${H}|${HOUR_WORDS})\\b(?:\\s*(?<ap>[ap]\\.?m\\b\\.?))?${PART}`,
  'giu',
);
const NAMED = /\b(?:at\s+|di\s+|jam\s+)?(?<name>noon|midday|midnight|tengah\s+hari|tengah\s+malam)\b/giu;
const PART_ALONE = new RegExp(
  `\\b(?:(?:in\\s+the|at|during\\s+the|di|pada|waktu)\\s+)(?<part>${PART_WORDS})\\b(?:\\s+hari\\b)?|(?<!\\b(?:makan|selamat|good|sarapan|setiap|tiap)\\s+)\\b(?<part2>subuh|pagi|siang|sore|petang|malam)(?:-\\k<part2>)?\\b(?:\\s+(?:ini|nanti|hari))?`,
  'giu',
);

type Groups = Partial<Record<string, string>>;
const meridiemOf = (text: string | undefined): 'am' | 'pm' | null =>
  text === undefined ? null : /^p/iu.test(text) ? 'pm' : 'am';

function clock(h: string, m: string | undefined, ap: string | undefined, part: string | undefined): Clock {
  const hour = hourOf(h);
  const is_literal = (h.length === 2 && h.startsWith('0')) || hour > 12 || hour === 0;
  return { hour: hour % 24, minute: Number(m ?? 0), meridiem: meridiemOf(ap), part: partOf(part), is_literal };
}

/** `12-13` alone is a range after a date or at the end; words between two numbers need a sign that times are meant. */
function isRange({ lead, to = '', sep1, sep2, ap1, ap2, part }: Groups, before: string, after: string): boolean {
  const is_marked =
    lead !== undefined || sep1 === ':' || sep2 === ':' || ap1 !== undefined || ap2 !== undefined || part;
  if (/^(?:and|dan)$/iu.test(to)) return /^(?:between|antara)$/iu.test(lead ?? '');
  if (is_marked) return true;
  return /^[-–—]$/u.test(to) && (new RegExp(`${TAKEN}[\\s,]*$`, 'u').test(before) || /^\s*(?:[.!?]|$)/u.test(after));
}

function readRange(text: string): TimeSpan[] {
  const spans: TimeSpan[] = [];
  for (const match of text.matchAll(RANGE)) {
    const groups: Groups = match.groups ?? {};
    const end = match.index + match[0].length;
    if (!isRange(groups, text.slice(0, match.index), text.slice(end))) continue;
    const to = clock(groups['h2'] ?? '', groups['m2'], groups['ap2'], groups['part']);
    const from = clock(
      groups['h1'] ?? '',
      groups['m1'],
      groups['ap1'],
      groups['ap1'] === undefined ? groups['part'] : undefined,
    );
    spans.push({ start: match.index, end, from: likeEnd(from, to), to });
  }
  return spans;
}

/** `2-4 pm` begins in the afternoon, `10-2 pm` in the morning. */
function likeEnd(from: Clock, to: Clock): Clock {
  if (from.meridiem !== null || to.meridiem === null || from.is_literal) return from;
  const begins_before = from.hour % 12 < to.hour % 12 || (from.hour % 12 === to.hour % 12 && from.minute < to.minute);
  return { ...from, meridiem: begins_before ? to.meridiem : to.meridiem === 'pm' ? 'am' : 'pm' };
}

function shifted(base: Clock, minutes: number): Clock {
  const at = (base.hour * 60 + base.minute + minutes + 1_440) % 1_440;
  // Half an hour before one is half past twelve.
  const hour = Math.floor(at / 60);
  return { ...base, hour: hour === 0 && !base.is_literal ? 12 : hour, minute: at % 60 };
}

const QUARTERS: Readonly<Record<string, number>> = {
  half: 30,
  quarter: 15,
  seperempat: 15,
  lima: 5,
  five: 5,
  ten: 10,
  sepuluh: 10,
  twenty: 20,
};
const amountOf = (text: string): number => {
  const said = text.toLowerCase().replace(/^a\s*/u, '').trim();
  return /^\d+$/u.test(said) ? Number(said) : (QUARTERS[said] ?? 20);
};

function readOne(text: string): TimeSpan[] {
  const spans: TimeSpan[] = [];
  const add = (match: RegExpMatchArray, from: Clock): void => {
    const start = match.index ?? 0;
    spans.push({ start, end: start + match[0].length, from, to: null });
  };
  for (const match of text.matchAll(EXACT)) {
    const { lead, h = '', sep, m, ap, part } = match.groups ?? {};
    // 5.30 is a number unless something says that it is a time.
    if (
      sep === '.' &&
      lead === undefined &&
      ap === undefined &&
      part === undefined &&
      !/wi(?:b|ta|t)$/iu.test(match[0])
    )
      continue;
    add(match, clock(h, m, ap, part));
  }
  for (const match of text.matchAll(MERIDIEM))
    add(match, clock(match.groups?.['h'] ?? '', undefined, match.groups?.['ap'], undefined));
  for (const match of text.matchAll(BARE)) {
    const { half, h = '', how, by = '', part } = match.groups ?? {};
    const base = clock(h, undefined, undefined, part);
    const minutes = half !== undefined ? -30 : how === undefined ? 0 : amountOf(by) * (/kurang/iu.test(how) ? -1 : 1);
    add(match, shifted(base, minutes));
  }
  for (const match of text.matchAll(WITH_PART)) {
    const { h, h2 = '', part } = match.groups ?? {};
    add(match, clock(h ?? h2, undefined, undefined, part));
  }
  for (const match of text.matchAll(PAST_TO)) {
    const { what = '', how = '', h = '', ap, part } = match.groups ?? {};
    const is_to = /to/iu.test(how);
    // `3 to 5` is a range of something, not a time.
    if (is_to && !/quarter|five|ten|twenty/iu.test(what)) continue;
    if (/half/iu.test(what) && is_to) continue;
    add(match, shifted(clock(h, undefined, ap, part), amountOf(what) * (is_to ? -1 : 1)));
  }
  for (const match of text.matchAll(NAMED)) {
    const is_noon = /noon|mid ?day|hari/iu.test(match.groups?.['name'] ?? '');
    add(match, { hour: is_noon ? 12 : 0, minute: 0, meridiem: null, part: null, is_literal: true });
  }
  return spans;
}

/** The times of day in a text, in their order. What is `TAKEN` in it is passed over. */
export function scanTimes(text: string): TimeSpan[] {
  return withoutOverlaps([...readRange(text), ...readOne(text)]);
}

/** A part of a day that stands for itself: `in the evening`, `sore`. Null: none. */
export function scanPart(text: string): { start: number; end: number; part: NonNullable<Clock['part']> } | null {
  for (const match of text.matchAll(PART_ALONE)) {
    const part = partOf(match.groups?.['part'] ?? match.groups?.['part2']);
    if (part) return { start: match.index, end: match.index + match[0].length, part };
  }
  return null;
}
