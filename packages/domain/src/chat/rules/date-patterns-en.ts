import { dateOf, weekday } from '../../calendar/rules/civil.ts';
import {
  type DatePattern,
  type DateRef,
  type Found,
  oneDay,
  periodOf,
  range,
  shiftDay,
  weekendOf,
} from './date-spans.ts';
import { ENGLISH_UNITS, NUMBER_WORDS, numberOf, unitOf, WEEKDAY_SHORT, weekdayOf } from './date-words.ts';

const WEEKDAY = 'monday|tuesday|wednesday|thursday|friday|saturday|sunday';

const RELATIVE: Readonly<Record<string, number>> = {
  ...{ 'day before yesterday': -2, 'night before last': -2, yesterday: -1, 'last night': -1, today: 0, tonight: 0 },
  ...{ 'this morning': 0, 'this afternoon': 0, 'this evening': 0, 'earlier today': 0, 'later today': 0 },
  ...{ tomorrow: 1, tomorow: 1, tommorow: 1, tommorrow: 1, tmrw: 1, tmr: 1, 'day after tomorrow': 2 },
};

/** The weekday that a modifier means: of the next week, of this week, or the last one that was. */
export function weekdayBy(mod: string, wanted: number, { today }: Pick<DateRef, 'today'>): number {
  const monday = today - weekday(today);
  if (mod === 'next') return monday + 7 + wanted;
  if (mod === 'this') return monday + wanted;
  if (mod === 'last') return today - (((weekday(today) - wanted + 6) % 7) + 1);
  return today + ((wanted - weekday(today) + 7) % 7);
}

/** One without a modifier: today counts where the past is spoken of no more than the future. */
export function bareWeekday(wanted: number, ref: DateRef, at: number): number {
  if (ref.leanAt(at) === 'past') return weekdayBy('last', wanted, ref);
  return weekdayBy('coming', wanted, ref);
}

function readWeekday(mod: string, wanted: number, ref: DateRef, at: number): number {
  if (/^(last|past|previous|this\s+past)$/u.test(mod)) return weekdayBy('last', wanted, ref);
  if (/^next$/u.test(mod)) return weekdayBy('next', wanted, ref);
  if (/^this$/u.test(mod)) {
    const day = weekdayBy('this', wanted, ref);
    return day < ref.today && ref.leanAt(at) === 'future' ? day + 7 : day;
  }
  if (/^(coming|upcoming|this\s+coming)$/u.test(mod)) return weekdayBy('coming', wanted, ref);
  return bareWeekday(wanted, ref, at);
}

const stepOf = (mod: string): number =>
  /^(last|past|previous)$/u.test(mod) ? -1 : /^(next|coming|upcoming|following)$/u.test(mod) ? 1 : 0;

function quarter(today: number, step: number): Found {
  const { month } = dateOf(today);
  const first = Math.floor((month - 1) / 3) * 3 + 1;
  const from = shiftDay(periodOf(today, 'month').from, first - month + step * 3, 'month');
  return range(from, shiftDay(from, 3, 'month') - 1);
}

function readPeriod(mod: string, unit: string, today: number): Found {
  const step = stepOf(mod);
  if (unit === 'weekend') return weekendOf(today + step * 7);
  if (unit === 'quarter') return quarter(today, step);
  const name = unitOf(unit);
  // The first day of the period is shifted: no month is too short for it.
  return periodOf(shiftDay(periodOf(today, name).from, step, name), name);
}

/** So many units ago: the day, or the week, month or year in which it lies. */
function ago(count: number, unit: string, today: number): Found {
  const name = unitOf(unit);
  return periodOf(shiftDay(today, -count, name), name);
}

const mod = 'last|past|this\\s+past|this\\s+coming|this|next|coming|upcoming|previous';
const clean = (text: string | undefined): string => (text ?? '').toLowerCase().replace(/\s+/gu, ' ');

export const ENGLISH: readonly DatePattern[] = [
  {
    re: new RegExp(`\\b(?:the\\s+)?(?<said>${Object.keys(RELATIVE).join('|').replace(/ /gu, '\\s+')})\\b`, 'giu'),
    read: ({ said }, { today }) => oneDay(today + (RELATIVE[clean(said)] ?? 0)),
  },
  {
    re: new RegExp(`\\b(?<n>${NUMBER_WORDS})\\s+(?<unit>${ENGLISH_UNITS})\\s+(?:ago|back|earlier)\\b`, 'giu'),
    read: ({ n = '', unit = '' }, { today }) => ago(numberOf(n), unit, today),
  },
  {
    re: /\b(?:a\s+)?few\s+(?<unit>days|weeks|months|years)\s+ago\b/giu,
    read: ({ unit = '' }, { today }) => range(shiftDay(today, -5, unitOf(unit)), shiftDay(today, -2, unitOf(unit))),
  },
  {
    re: new RegExp(
      `\\b(?:in|within)\\s+(?<n>${NUMBER_WORDS})\\s+(?<unit>${ENGLISH_UNITS})(?:['’]?\\s+time)?\\b|\\b(?<n2>${NUMBER_WORDS})\\s+(?<unit2>${ENGLISH_UNITS})\\s+from\\s+(?:now|today)\\b`,
      'giu',
    ),
    read: ({ n, n2 = '', unit, unit2 = '' }, { today }) =>
      oneDay(shiftDay(today, numberOf(n ?? n2), unitOf(unit ?? unit2))),
  },
  {
    re: new RegExp(
      `\\b(?:a\\s+week\\s+from\\s+(?:next\\s+)?(?<a>${WEEKDAY}|today|tomorrow)|(?<b>${WEEKDAY})\\s+week)\\b`,
      'giu',
    ),
    read: ({ a, b }, ref) => {
      const said = clean(a ?? b);
      if (said === 'today') return oneDay(ref.today + 7);
      return oneDay(said === 'tomorrow' ? ref.today + 8 : weekdayBy('coming', weekdayOf(said), ref) + 7);
    },
  },
  {
    re: /\b(?:the\s+)?(?<mod>last|past|previous|this|current|next|coming|upcoming|following)\s+(?<unit>week|weekend|month|quarter|year)\b(?!\s+from)/giu,
    read: ({ mod: how, unit }, { today }) => readPeriod(clean(how), clean(unit), today),
  },
  {
    re: /\b(?:the\s+)?(?<unit>week|month|year|weekend)\s+(?<how>before\s+last|after\s+next)\b/giu,
    read: ({ unit, how }, { today }) => {
      const step = clean(how) === 'before last' ? -2 : 2;
      if (clean(unit) === 'weekend') return weekendOf(today + step * 7);
      const name = unitOf(clean(unit));
      return periodOf(shiftDay(periodOf(today, name).from, step, name), name);
    },
  },
  {
    re: new RegExp(
      `\\b(?:the\\s+)?(?<mod>last|past|previous|next|coming)\\s+(?<n>${NUMBER_WORDS}|few)\\s+(?<unit>days|weeks|months|years)\\b`,
      'giu',
    ),
    read: ({ mod: how, n = '', unit = '' }, { today }) => {
      const count = n.toLowerCase() === 'few' ? 3 : numberOf(n);
      const step = stepOf(clean(how));
      const other = shiftDay(today, step * count, unitOf(unit));
      return step < 0 ? range(other, today - (unitOf(unit) === 'day' ? 1 : 0)) : range(today, other);
    },
  },
  {
    re: new RegExp(
      `\\b(?:on\\s+)?(?:(?:the\\s+)?(?<mod>${mod})\\s+)?(?<day>${WEEKDAY})(?:\\s+(?<week>last|this|next)\\s+week)?\\b`,
      'giu',
    ),
    read: ({ mod: how, day = '', week }, ref, at) => {
      const wanted = weekdayOf(day);
      if (week === undefined) return oneDay(readWeekday(clean(how), wanted, ref, at));
      return oneDay(readPeriod(clean(week), 'week', ref.today).from + wanted);
    },
  },
  {
    // `sat` and `sun` are words: they need something before them.
    re: new RegExp(`\\b(?:(?<mod>${mod})|on|by|until|till)\\s+(?<day>${WEEKDAY_SHORT})\\b(?!['’])`, 'giu'),
    read: ({ mod: how, day = '' }, ref, at) => oneDay(readWeekday(clean(how), weekdayOf(day), ref, at)),
  },
  {
    re: /\b(?:the\s+)?(?<edge>end|beginning|start)\s+of\s+(?:the\s+)?(?<mod>last|this|next)?\s*(?<unit>week|month|year)\b/giu,
    read: ({ edge, mod: how, unit }, { today }) => {
      const { from, to } = readPeriod(clean(how), clean(unit), today);
      return oneDay(clean(edge) === 'end' ? to : from);
    },
  },
];
