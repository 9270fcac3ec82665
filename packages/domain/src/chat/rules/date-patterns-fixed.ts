import { dateOf, dayOf } from '../../calendar/rules/civil.ts';
import {
  dayIn,
  type DatePattern,
  type DateRef,
  type Found,
  oneDay,
  periodOf,
  range,
  shiftDay,
  yearFor,
} from './date-spans.ts';
import { MONTH_NAMES, monthOf } from './date-words.ts';

const YEAR = '(?:19|20)\\d\\d';
const TO = '(?:\\s*[-–—]\\s*|\\s+(?:to|until|till|sampai|hingga|s\\/d)\\s+)';
const ORDINAL = '(?:st|nd|rd|th)?';

function dayMonth(
  d: string,
  d2: string | undefined,
  month: number,
  year: string | undefined,
  ref: DateRef,
  at: number,
) {
  const first = Number(d);
  const of_year = year === undefined ? yearFor(month, first, ref, at) : Number(year);
  const from = of_year === null ? null : dayIn(of_year, month, first);
  if (from === null || of_year === null) return null;
  const to = d2 === undefined ? from : dayIn(of_year, month, Number(d2));
  return to === null || to < from ? oneDay(from) : range(from, to);
}

/** A month without a day: of the year said, or of the nearest that is meant. */
function wholeMonth(month: number, year: string | undefined, mod: string, ref: DateRef, at: number): Found {
  const now = dateOf(ref.today);
  if (year !== undefined) return periodOf(dayOf(Number(year), month, 1), 'month');
  const has_begun = month <= now.month;
  if (mod === 'last') return periodOf(dayOf(month < now.month ? now.year : now.year - 1, month, 1), 'month');
  if (mod === 'next') return periodOf(dayOf(month > now.month ? now.year : now.year + 1, month, 1), 'month');
  const lean = mod === 'past' ? 'past' : ref.leanAt(at);
  if (lean === 'past' || (lean === 'near' && month !== now.month && (now.month - month + 12) % 12 <= 6))
    return periodOf(dayOf(has_begun ? now.year : now.year - 1, month, 1), 'month');
  return periodOf(dayOf(month >= now.month ? now.year : now.year + 1, month, 1), 'month');
}

/** The day of a month that has no name: of this month, or of the one that is meant. */
function dayOfMonth(day: number, step: number | null, ref: DateRef, at: number): Found | null {
  const first = periodOf(ref.today, 'month').from;
  const steps = step !== null ? [step] : ref.leanAt(at) === 'past' ? [0, -1, -2] : [0, 1, 2];
  for (const each of steps) {
    const { year, month } = dateOf(shiftDay(first, each, 'month'));
    const found = dayIn(year, month, day);
    const is_wrong =
      found !== null && step === null && (ref.leanAt(at) === 'past' ? found > ref.today : found < ref.today);
    if (found !== null && !is_wrong) return oneDay(found);
  }
  return null;
}

const HOLIDAYS: Readonly<Record<string, [month: number, day: number]>> = {
  ...{
    christmas: [12, 25],
    'christmas day': [12, 25],
    'christmas eve': [12, 24],
    natal: [12, 25],
    'hari natal': [12, 25],
  },
  ...{ "new year's eve": [12, 31], 'new year’s eve': [12, 31], "new year's day": [1, 1], 'new year’s day': [1, 1] },
  ...{ 'tahun baru': [1, 1], 'malam tahun baru': [12, 31], "valentine's day": [2, 14], 'valentine’s day': [2, 14] },
  ...{ 'hari valentine': [2, 14], halloween: [10, 31], 'hari kemerdekaan': [8, 17], '17 agustusan': [8, 17] },
};

function slashed({ a = '', b = '', year }: Partial<Record<string, string>>, ref: DateRef, at: number): Found | null {
  const [first, second] = [Number(a), Number(b)];
  // Whatever is beyond twelve is no month.
  const is_month_first = second > 12 || (ref.is_month_first && first <= 12);
  const [month, day] = is_month_first ? [first, second] : [second, first];
  const of_year = year === undefined ? yearFor(month, day, ref, at) : Number(year.length === 2 ? `20${year}` : year);
  const found = of_year === null ? null : dayIn(of_year, month, day);
  return found === null ? null : oneDay(found);
}

const clean = (text: string | undefined): string => (text ?? '').toLowerCase().replace(/\s+/gu, ' ');
const stepOf = (text: string | undefined): number | null =>
  text === undefined
    ? null
    : /next|depan|mendatang|berikutnya/iu.test(text)
      ? 1
      : /last|lalu|kemarin/iu.test(text)
        ? -1
        : 0;

export const FIXED: readonly DatePattern[] = [
  {
    re: /(?<![\d-])(?<year>(?:19|20)\d\d)-(?<month>\d\d)-(?<day>\d\d)(?!\d)/gu,
    read: ({ year, month, day }) => {
      const found = dayIn(Number(year), Number(month), Number(day));
      return found === null ? null : oneDay(found);
    },
  },
  {
    re: /(?<![\d/.])(?<a>\d{1,2})(?<sep>[/.-])(?<b>\d{1,2})\k<sep>(?<year>(?:19|20)\d\d)(?![\d/])/gu,
    read: (groups, ref, at) => slashed(groups, ref, at),
  },
  {
    re: /(?<=\b(?:on|by|until|till|before|since|tanggal|tgl\.?)\s+)(?<a>\d{1,2})\/(?<b>\d{1,2})(?:\/(?<year>\d\d))?(?![\d/])/giu,
    read: (groups, ref, at) => slashed(groups, ref, at),
  },
  {
    re: new RegExp(
      `(?<![\\d:.,/]|\\b(?:at|jam|pukul)\\s+)(?:\\b(?:tanggal|tgl\\.?|on(?:\\s+the)?|the)\\s+)?\\b(?<d>\\d{1,2})${ORDINAL}(?:${TO}(?<d2>\\d{1,2})${ORDINAL})?(?:\\s+of\\s+|\\s+|-)(?<month>${MONTH_NAMES})\\b\\.?(?:,?\\s*(?<year>${YEAR})\\b)?`,
      'giu',
    ),
    read: ({ d = '', d2, month = '', year }, ref, at) => dayMonth(d, d2, monthOf(month), year, ref, at),
  },
  {
    re: new RegExp(
      `\\b(?:on\\s+)?(?<month>${MONTH_NAMES})\\.?\\s+(?:the\\s+)?(?<d>\\d{1,2})${ORDINAL}(?![\\d:.%]|\\s*(?:am|pm)\\b)(?:${TO}(?<d2>\\d{1,2})${ORDINAL}(?![\\d:]))?(?:,?\\s+(?<year>${YEAR})\\b)?`,
      'giu',
    ),
    read: ({ d = '', d2, month = '', year }, ref, at) => dayMonth(d, d2, monthOf(month), year, ref, at),
  },
  {
    re: new RegExp(
      `\\b(?:(?<mod>last|this|next|in|since|during|by|until|till|of|early|mid|late|back\\s+in|bulan|pada|sejak|sampai|di)(?:\\s+|-)(?:bulan\\s+)?)?(?<month>${MONTH_NAMES})\\b(?:\\s+(?<how>lalu|depan|ini)\\b)?(?:,?\\s+(?:of\\s+)?(?<year>${YEAR})\\b)?`,
      'giu',
    ),
    read: ({ mod, month = '', how, year }, ref, at) => {
      if (mod === undefined && year === undefined && how === undefined) return null;
      const step = stepOf(how ?? clean(mod)) ?? 0;
      const meant = /back/iu.test(mod ?? '') ? 'past' : step === 0 ? '' : step < 0 ? 'last' : 'next';
      return wholeMonth(monthOf(month), year, meant, ref, at);
    },
  },
  {
    re: /\b(?:on|by|until|till|since|from)\s+the\s+(?<d>\d{1,2})(?:st|nd|rd|th)(?:\s+of\s+(?<mod>this|next|last|the)\s+month)?\b(?!\s+(?:floor|time|of\s+(?!this|next|last)))/giu,
    read: ({ d, mod }, ref, at) => dayOfMonth(Number(d), mod === 'the' ? null : stepOf(mod), ref, at),
  },
  {
    re: /\b(?:tanggal|tgl\.?)\s*(?<d>\d{1,2})(?:\s+bulan\s+(?<mod>ini|depan|lalu))?(?![\d/:])/giu,
    read: ({ d, mod }, ref, at) => dayOfMonth(Number(d), stepOf(mod), ref, at),
  },
  {
    re: /\b(?:in|since|during|until|till|by|before|after|of|tahun|sejak|pada)\s+(?:the\s+year\s+|tahun\s+)?(?<year>(?:19|20)\d\d)\b(?![-/:.,]\d)/giu,
    read: ({ year }) => periodOf(dayOf(Number(year), 1, 1), 'year'),
  },
  {
    re: new RegExp(
      `\\b(?<name>${Object.keys(HOLIDAYS)
        .sort((a, b) => b.length - a.length)
        .join('|')
        .replace(/ /gu, '\\s+')})\\b(?:\\s+(?<year>${YEAR})\\b)?`,
      'giu',
    ),
    read: ({ name, year }, ref, at) => {
      const [month, day] = HOLIDAYS[clean(name)] ?? [0, 0];
      return dayMonth(String(day), undefined, month, year, ref, at);
    },
  },
];
