/*
 * Words of dates in English and Indonesian. A person of Jakarta writes both in one sentence, so that both are always read.
 */

/** Monday = 0, as in calendar/rules/civil.ts. */
export const WEEKDAYS: Readonly<Record<string, number>> = {
  ...{ monday: 0, tuesday: 1, wednesday: 2, thursday: 3, friday: 4, saturday: 5, sunday: 6 },
  ...{ senin: 0, selasa: 1, rabu: 2, kamis: 3, jumat: 4, "jum'at": 4, 'jum’at': 4, sabtu: 5, minggu: 6, ahad: 6 },
  ...{ mon: 0, tue: 1, tues: 1, wed: 2, weds: 2, thu: 3, thur: 3, thurs: 3, fri: 4, sat: 5, sun: 6 },
};

/** January = 1. */
export const MONTHS: Readonly<Record<string, number>> = {
  ...{ january: 1, february: 2, march: 3, april: 4, may: 5, june: 6, july: 7, august: 8, september: 9, october: 10 },
  ...{ november: 11, december: 12, januari: 1, februari: 2, pebruari: 2, maret: 3, mei: 5, juni: 6, juli: 7 },
  ...{ agustus: 8, oktober: 10, nopember: 11, desember: 12 },
  ...{ jan: 1, feb: 2, mar: 3, apr: 4, jun: 6, jul: 7, aug: 8, agu: 8, agt: 8, sep: 9, sept: 9, oct: 10, okt: 10 },
  ...{ nov: 11, nop: 11, dec: 12, des: 12 },
};

const NUMBERS: Readonly<Record<string, number>> = {
  ...{ a: 1, an: 1, one: 1, two: 2, three: 3, four: 4, five: 5, six: 6, seven: 7, eight: 8, nine: 9, ten: 10 },
  ...{ eleven: 11, twelve: 12, fifteen: 15, twenty: 20, thirty: 30, forty: 40, 'forty-five': 45, sixty: 60 },
  ...{ 'a couple of': 2, 'couple of': 2, 'a couple': 2, se: 1, satu: 1, dua: 2, tiga: 3, empat: 4, lima: 5, enam: 6 },
  ...{ tujuh: 7, delapan: 8, sembilan: 9, sepuluh: 10, sebelas: 11, 'dua belas': 12, 'lima belas': 15 },
  ...{ 'dua puluh': 20, 'tiga puluh': 30, 'empat puluh lima': 45 },
};

export type Unit = 'day' | 'week' | 'month' | 'year';

const UNITS: Readonly<Record<string, Unit>> = {
  ...{
    day: 'day',
    week: 'week',
    month: 'month',
    year: 'year',
    days: 'day',
    weeks: 'week',
    months: 'month',
    years: 'year',
  },
  ...{ hari: 'day', minggu: 'week', pekan: 'week', bulan: 'month', tahun: 'year' },
};

export type DayPart = 'dawn' | 'morning' | 'noon' | 'midday' | 'afternoon' | 'late_afternoon' | 'evening' | 'night';

export const PARTS: Readonly<Record<string, DayPart>> = {
  ...{ morning: 'morning', noon: 'noon', afternoon: 'afternoon', evening: 'evening', night: 'night' },
  ...{
    subuh: 'dawn',
    pagi: 'morning',
    siang: 'midday',
    sore: 'late_afternoon',
    petang: 'late_afternoon',
    malam: 'night',
  },
};

/** Words as alternatives of an expression, longer ones first. */
export const anyOf = (words: readonly string[]): string =>
  [...words]
    .sort((a, b) => b.length - a.length)
    .map((word) => word.replace(/[.*+?^${}()|[\]\\]/gu, '\\$&').replace(/ /gu, '\\s+'))
    .join('|');

const ABBREVIATED = /^(mon|tues?|weds?|thu(rs?)?|fri|sat|sun)$/u;
export const WEEKDAY_NAMES = anyOf(
  Object.keys(WEEKDAYS).filter((name) => !ABBREVIATED.test(name) && name !== 'minggu'),
);
export const WEEKDAY_SHORT = anyOf(Object.keys(WEEKDAYS).filter((name) => ABBREVIATED.test(name)));
export const MONTH_NAMES = anyOf(Object.keys(MONTHS));
export const NUMBER_WORDS = `\\d{1,3}|${anyOf(Object.keys(NUMBERS).filter((name) => name !== 'se'))}`;
export const ENGLISH_UNITS = 'days?|weeks?|months?|years?';
export const INDONESIAN_UNITS = 'hari|minggu|pekan|bulan|tahun';
export const ENGLISH_PARTS = 'morning|noon|afternoon|evening|night';
export const INDONESIAN_PARTS = 'subuh|pagi|siang|sore|petang|malam';

const plain = (word: string): string => word.toLowerCase().replace(/\s+/gu, ' ').trim();

/** Of `NUMBER_WORDS`. NaN: none. */
export function numberOf(word: string): number {
  const said = plain(word);
  return /^\d+$/u.test(said) ? Number(said) : (NUMBERS[said] ?? NaN);
}

export const unitOf = (word: string): Unit => UNITS[plain(word)] ?? 'day';
export const weekdayOf = (word: string): number => WEEKDAYS[plain(word)] ?? NaN;
export const monthOf = (word: string): number => MONTHS[plain(word).replace('.', '')] ?? NaN;
export const partOf = (word: string | undefined): DayPart | null => PARTS[plain(word ?? '')] ?? null;
