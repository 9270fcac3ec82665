import {
  type DayPart,
  INDONESIAN_PARTS,
  MONTH_NAMES,
  monthOf,
  numberOf,
  NUMBER_WORDS,
  partOf,
  WEEKDAY_NAMES,
  WEEKDAY_SHORT,
  weekdayOf,
} from '../../chat/rules/date-words.ts';

/** How something repeats, as words say it. Weekdays from Monday = 0; `nth` of the weekdays in a month, -1 the last. */
export interface Recurrence {
  start: number;
  end: number;
  freq: 'HOURLY' | 'DAILY' | 'WEEKLY' | 'MONTHLY' | 'YEARLY' | 'MINUTELY';
  interval: number;
  weekdays: number[];
  nth: number | null;
  month_day: number | null;
  month: number | null;
  part: DayPart | null;
}

const WEEKDAY = `(?:${WEEKDAY_NAMES}|minggu|${WEEKDAY_SHORT})`;
const DAYS = `${WEEKDAY}s?(?:(?:\\s*,\\s*(?:and\\s+|dan\\s+)?|\\s+and\\s+|\\s*&\\s*|\\s+dan\\s+|\\s*\\/\\s*)(?:hari\\s+|on\\s+)?${WEEKDAY}s?)*`;
const EACH = '(?:every|each|setiap|tiap(?:-tiap)?|saban)';
const NTH: Readonly<Record<string, number>> = {
  ...{ first: 1, second: 2, third: 3, fourth: 4, last: -1, '1st': 1, '2nd': 2, '3rd': 3, '4th': 4 },
  ...{ pertama: 1, kedua: 2, ketiga: 3, keempat: 4, terakhir: -1 },
};
const ENGLISH_NTH = 'first|second|third|fourth|last|1st|2nd|3rd|4th';
const INDONESIAN_NTH = 'pertama|kedua|ketiga|keempat|terakhir';
const UNITS = 'minutes?|hours?|days?|weeks?|months?|years?|menit|jam|hari|minggu|pekan|bulan|tahun';
const FREQUENCIES: readonly [RegExp, Recurrence['freq']][] = [
  [/^(?:minutes?|menit)$/iu, 'MINUTELY'],
  [/^(?:hours?|jam|hourly)$/iu, 'HOURLY'],
  [/^(?:days?|hari|daily|nightly|harian)$/iu, 'DAILY'],
  [/^(?:weeks?|minggu|pekan|weekly|mingguan|fortnightly|biweekly)$/iu, 'WEEKLY'],
  [/^(?:months?|bulan|monthly|bulanan)$/iu, 'MONTHLY'],
  [/^(?:years?|tahun|yearly|annually|tahunan)$/iu, 'YEARLY'],
];
const frequencyOf = (unit: string): Recurrence['freq'] => FREQUENCIES.find(([re]) => re.test(unit))?.[1] ?? 'DAILY';

type Groups = Partial<Record<string, string>>;
type Read = Omit<Recurrence, 'start' | 'end'>;
const NOTHING: Read = { freq: 'DAILY', interval: 1, weekdays: [], nth: null, month_day: null, month: null, part: null };
const WORKDAYS = [0, 1, 2, 3, 4];

/** The weekdays of a list of them. */
function weekdaysOf(list: string): number[] {
  const names = list.toLowerCase().matchAll(new RegExp(`(${WEEKDAY})(?:s\\b)?`, 'giu'));
  return [...new Set([...names].map(([, name = '']) => weekdayOf(name.replace('’', "'"))))].sort((a, b) => a - b);
}

const nthOf = (word: string): number => NTH[word.toLowerCase()] ?? 1;

function intervalOf(word: string | undefined): number {
  if (word === undefined) return 1;
  if (/^(?:other|second|2nd)$/iu.test(word.trim())) return 2;
  if (/^(?:third|3rd)$/iu.test(word.trim())) return 3;
  return numberOf(word) || 1;
}

const PART = `(?:\\s+(?:in\\s+the\\s+)?(?<part>morning|afternoon|evening|night|${INDONESIAN_PARTS})s?\\b)?`;
const ON_DAYS = `(?:\\s+(?:on\\s+|pada\\s+)?(?:hari\\s+)?(?<days>${DAYS})\\b)?`;
const OFF = `(?:\\s+(?:except|but\\s+not|kecuali)(?:\\s+on|\\s+hari)?\\s+(?<off>${DAYS})\\b)`;

const withPart = (read: Read, { part }: Groups): Read => ({ ...read, part: partOf(part) });

const PATTERNS: readonly { re: string; read: (groups: Groups) => Read }[] = [
  {
    // Every day but some.
    re: `\\b(?:${EACH}\\s+(?:day|hari)|daily)${OFF}`,
    read: ({ off = '' }) => {
      const left = weekdaysOf(off);
      return { ...NOTHING, freq: 'WEEKLY', weekdays: [0, 1, 2, 3, 4, 5, 6].filter((day) => !left.includes(day)) };
    },
  },
  {
    re: `\\b(?:(?:${EACH}|on|during)\\s+)?(?:week\\s?days|work(?:ing)?\\s?days|business\\s+days)\\b${PART}|\\b${EACH}\\s+(?:week\\s?day|work(?:ing)?\\s?day|business\\s+day|hari\\s+kerja|senin\\s*(?:-|–|sampai|hingga|s\\/d)\\s*jum['’]?at|(?:mon|monday)\\s*(?:-|–|to|through)\\s*(?:fri|friday))\\b|\\b(?:mon|monday|senin)\\s*(?:-|–|to|through|sampai|hingga|s\\/d)\\s*(?:fri|friday|jum['’]?at)\\b|\\b(?:pada\\s+)?hari\\s+kerja\\b`,
    read: (groups) => withPart({ ...NOTHING, freq: 'WEEKLY', weekdays: WORKDAYS }, groups),
  },
  {
    re: `\\b(?:${EACH}\\s+(?:weekend|akhir\\s+(?:pekan|minggu))s?|(?:on\\s+)?weekends)\\b`,
    read: () => ({ ...NOTHING, freq: 'WEEKLY', weekdays: [5, 6] }),
  },
  {
    // The first Monday of every month, every last Friday.
    re: `\\b(?:(?:on\\s+)?${EACH}\\s+(?<n1>${ENGLISH_NTH})\\s+(?<d1>${WEEKDAY}|week\\s?day)(?:\\s+(?:of|in)\\s+(?:the|every|each)\\s+month)?|(?:on\\s+)?the\\s+(?<n2>${ENGLISH_NTH})\\s+(?<d2>${WEEKDAY}|week\\s?day)\\s+(?:of|in)\\s+(?:every|each)\\s+month)\\b`,
    read: ({ n1, n2 = '', d1, d2 = '' }) => monthlyBy(nthOf(n1 ?? n2), d1 ?? d2),
  },
  {
    re: `\\b(?:${EACH}\\s+)(?:hari\\s+)?(?<d1>${WEEKDAY})\\s+(?<n1>${INDONESIAN_NTH})(?:\\s+(?:${EACH}|dalam)\\s+bulan)?\\b|\\b(?:hari\\s+)?(?<d2>${WEEKDAY})\\s+(?<n2>${INDONESIAN_NTH})\\s+${EACH}\\s+bulan\\b`,
    read: ({ n1, n2 = '', d1, d2 = '' }) => monthlyBy(nthOf(n1 ?? n2), d1 ?? d2),
  },
  {
    re: `\\b(?:on\\s+)?the\\s+last\\s+day\\s+of\\s+(?:every|each)\\s+month\\b|\\b(?:hari\\s+terakhir|akhir)\\s+${EACH}\\s+bulan\\b|\\b${EACH}\\s+akhir\\s+bulan\\b|\\bat\\s+the\\s+end\\s+of\\s+(?:every|each)\\s+month\\b`,
    read: () => ({ ...NOTHING, freq: 'MONTHLY', month_day: -1 }),
  },
  {
    // A day of the month, of one month each year if it is named.
    re: `\\b(?:${EACH}\\s+(?:year|tahun)\\s+(?:on\\s+|pada\\s+)?(?:tanggal\\s+|tgl\\s+)?|(?:yearly|annually)\\s+(?:on\\s+)?|${EACH}\\s+(?:tanggal\\s+|tgl\\s+)?)(?:(?<m1>${MONTH_NAMES})\\s+(?<y1>\\d{1,2})(?:st|nd|rd|th)?|(?<y2>\\d{1,2})(?:st|nd|rd|th)?\\s+(?:of\\s+)?(?<m2>${MONTH_NAMES}))\\b`,
    read: ({ m1, m2 = '', y1, y2 }) => ({
      ...NOTHING,
      freq: 'YEARLY',
      month: monthOf(m1 ?? m2),
      month_day: Number(y1 ?? y2),
    }),
  },
  {
    re: `\\b(?:${EACH}\\s+(?:(?<n>other|second|\\d{1,2}|${NUMBER_WORDS})\\s+)?months?\\s+on\\s+the\\s+(?<d1>\\d{1,2})(?:st|nd|rd|th)?|monthly\\s+on\\s+the\\s+(?<d2>\\d{1,2})(?:st|nd|rd|th)?|(?:on\\s+)?the\\s+(?<d3>\\d{1,2})(?:st|nd|rd|th)?\\s+of\\s+(?:every|each)\\s+month|every\\s+(?<d4>\\d{1,2})(?:st|nd|rd|th)(?:\\s+of\\s+(?:the|every|each)\\s+month)?|${EACH}\\s+(?:bulan\\s+)?(?:pada\\s+)?(?:tanggal|tgl\\.?)\\s+(?<d5>\\d{1,2})(?:\\s+(?:setiap|tiap)\\s+bulan)?|(?:tanggal|tgl\\.?)\\s+(?<d6>\\d{1,2})\\s+${EACH}\\s+bulan)\\b`,
    read: ({ n, d1, d2, d3, d4, d5, d6 }) => ({
      ...NOTHING,
      freq: 'MONTHLY',
      interval: intervalOf(n),
      month_day: Number(d1 ?? d2 ?? d3 ?? d4 ?? d5 ?? d6),
    }),
  },
  {
    re: `\\b${EACH}\\s+(?:(?<n>other|second|2nd)\\s+)?(?:hari\\s+)?(?<days>${DAYS})\\b${PART}`,
    read: (groups) => weekly(groups),
  },
  {
    // `setiap minggu` is every week.
    re: `\\b(?:setiap|tiap|saban)\\s+(?:(?<n>${NUMBER_WORDS})\\s+)?minggu(?:\\s+sekali)?${ON_DAYS}(?!\\s*(?:,|dan|pagi|sore|malam|jam))`,
    read: ({ n, days }) => ({
      ...NOTHING,
      freq: 'WEEKLY',
      interval: intervalOf(n),
      weekdays: days === undefined ? [] : weekdaysOf(days),
    }),
  },
  {
    re: `\\b${EACH}\\s+(?:(?<n>other|second|third|2nd|3rd|${NUMBER_WORDS})\\s+)?(?<unit>${UNITS})\\b(?:\\s+sekali\\b)?${ON_DAYS}${PART}`,
    read: (groups) => byUnit(groups),
  },
  {
    re: `\\b(?:(?<n>${NUMBER_WORDS})\\s+|se)(?<unit>hari|minggu|pekan|bulan|tahun|jam)\\s+sekali\\b${ON_DAYS}|\\b(?:once\\s+(?:a|every)\\s+)(?<unit2>day|week|month|year)\\b${ON_DAYS.replace('<days>', '<days2>')}`,
    read: ({ n, unit, unit2, days, days2 }) => byUnit({ n, unit: unit ?? unit2, days: days ?? days2 }),
  },
  {
    re: `\\b${EACH}\\s+(?<part>morning|afternoon|evening|night|${INDONESIAN_PARTS})s?\\b(?:\\s+hari\\b)?|\\bnightly\\b`,
    read: ({ part = 'night' }) => ({ ...NOTHING, part: partOf(part) }),
  },
  {
    re: `\\b(?<unit>hourly|daily|weekly|monthly|yearly|annually|fortnightly|biweekly|harian|mingguan|bulanan|tahunan)\\b${ON_DAYS}`,
    read: (groups) => ({
      ...byUnit(groups),
      interval: /^(?:fortnightly|biweekly)$/iu.test(groups['unit'] ?? '') ? 2 : 1,
    }),
  },
  {
    // Mondays: the plural says it.
    re: `\\b(?:on\\s+)?(?<days>(?:(?:mon|tues|wednes|thurs|fri|satur|sun)days)(?:(?:\\s*,\\s*|\\s+and\\s+|\\s*&\\s*|,\\s+and\\s+)(?:mon|tues|wednes|thurs|fri|satur|sun)days)*)\\b${PART}`,
    read: (groups) => weekly(groups),
  },
];

function monthlyBy(nth: number, day: string): Read {
  const weekdays = /week/iu.test(day) ? WORKDAYS : weekdaysOf(day);
  return { ...NOTHING, freq: 'MONTHLY', weekdays, nth };
}

const weekly = (groups: Groups): Read =>
  withPart(
    { ...NOTHING, freq: 'WEEKLY', interval: intervalOf(groups['n']), weekdays: weekdaysOf(groups['days'] ?? '') },
    groups,
  );

function byUnit({ n, unit = '', days, part }: Groups): Read {
  const weekdays = days === undefined ? [] : weekdaysOf(days);
  const freq = frequencyOf(unit);
  return {
    ...NOTHING,
    freq: weekdays.length > 0 && freq === 'DAILY' ? 'WEEKLY' : freq,
    interval: intervalOf(n),
    weekdays,
    part: partOf(part),
  };
}

const EXPRESSIONS = PATTERNS.map(({ re, read }) => ({ re: new RegExp(re, 'iu'), read }));

/** The recurrence that a text speaks of: the longest that can be read. Null: none. */
export function scanRecurrence(text: string): Recurrence | null {
  let best: Recurrence | null = null;
  for (const { re, read } of EXPRESSIONS) {
    const match = re.exec(text);
    if (!match || (best && match[0].length <= best.end - best.start)) continue;
    best = { start: match.index, end: match.index + match[0].length, ...read(match.groups ?? {}) };
  }
  return best;
}

/** After how many times a series ends: `10 times`, `sebanyak 5 kali`. */
export function scanCount(text: string): { start: number; end: number; count: number } | null {
  const match = /\b(?:for\s+|sebanyak\s+)?(?<n>\d{1,3})\s+(?:times|occurrences|kali)\b/iu.exec(text);
  return match
    ? { start: match.index, end: match.index + match[0].length, count: Number(match.groups?.['n'] ?? 1) }
    : null;
}
