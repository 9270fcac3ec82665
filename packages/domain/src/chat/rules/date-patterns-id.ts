import { bareWeekday, weekdayBy } from './date-patterns-en.ts';
import { type DatePattern, type DateRef, oneDay, periodOf, range, shiftDay, weekendOf } from './date-spans.ts';
import { INDONESIAN_PARTS, INDONESIAN_UNITS, NUMBER_WORDS, numberOf, unitOf, weekdayOf } from './date-words.ts';

const RELATIVE: Readonly<Record<string, number>> = {
  ...{ 'kemarin lusa': -2, 'kemarin dulu': -2, 'kemaren dulu': -2, kemarin: -1, kemaren: -1, 'tadi malam': -1 },
  ...{ 'malam tadi': -1, semalam: -1, semalem: -1, 'hari ini': 0, 'tadi pagi': 0, 'tadi siang': 0, 'tadi sore': 0 },
  ...{
    'malam ini': 0,
    'pagi ini': 0,
    'siang ini': 0,
    'sore ini': 0,
    'petang ini': 0,
    'nanti malam': 0,
    'malam nanti': 0,
  },
  ...{ 'nanti sore': 0, 'sore nanti': 0, 'nanti siang': 0, 'siang nanti': 0, 'nanti pagi': 1, besok: 1, besoknya: 1 },
  ...{ esok: 1, 'esok hari': 1, bsk: 1, 'hari esok': 1, lusa: 2, 'besok lusa': 2, 'hari lusa': 2 },
};

const PAST = '(?:yang\\s+|yg\\s+)?(?:lalu|silam|kemarin|kemaren)';
const NEXT = '(?:yang\\s+|yg\\s+)?(?:depan|mendatang|berikutnya|akan\\s+datang)';
const DAYS = "senin|selasa|rabu|kamis|jum['’]?at|sabtu|ahad";

const clean = (text: string | undefined): string => (text ?? '').toLowerCase().replace(/\s+/gu, ' ');

function stepOf(how: string | undefined): number {
  if (how === undefined) return 0;
  return new RegExp(`^${PAST}$`, 'iu').test(how) ? -1 : new RegExp(`^${NEXT}$`, 'iu').test(how) ? 1 : 0;
}

function readWeekday(name: string, how: string | undefined, ref: DateRef, at: number): number {
  const wanted = weekdayOf(clean(name).replace('’', "'"));
  if (how === undefined) return bareWeekday(wanted, ref, at);
  const step = stepOf(how);
  if (step !== 0) return weekdayBy(step < 0 ? 'last' : 'next', wanted, ref);
  const day = weekdayBy('this', wanted, ref);
  return day < ref.today && (ref.leanAt(at) === 'future' || !/^ini$/iu.test(how)) ? day + 7 : day;
}

const said = Object.keys(RELATIVE)
  .sort((a, b) => b.length - a.length)
  .join('|')
  .replace(/ /gu, '\\s+');

export const INDONESIAN: readonly DatePattern[] = [
  {
    // `minggu kemarin` is last week: what follows a unit is read below, as the longer match.
    re: new RegExp(`\\b(?<said>${said})\\b`, 'giu'),
    read: ({ said: word }, { today }) => oneDay(today + (RELATIVE[clean(word)] ?? 0)),
  },
  {
    re: new RegExp(
      `\\b(?:(?<n>${NUMBER_WORDS})\\s+|se)(?<unit>${INDONESIAN_UNITS})\\s+(?:${PAST}|sebelumnya)\\b`,
      'giu',
    ),
    read: ({ n = 'se', unit = '' }, { today }) => periodOf(shiftDay(today, -numberOf(n), unitOf(unit)), unitOf(unit)),
  },
  {
    re: new RegExp(`\\bbeberapa\\s+(?<unit>${INDONESIAN_UNITS})\\s+${PAST}\\b`, 'giu'),
    read: ({ unit = '' }, { today }) => range(shiftDay(today, -5, unitOf(unit)), shiftDay(today, -2, unitOf(unit))),
  },
  {
    re: new RegExp(
      `\\b(?:dalam\\s+)?(?:(?<n>${NUMBER_WORDS})\\s+|se)(?<unit>${INDONESIAN_UNITS})\\s+(?:lagi|ke\\s*depan|mendatang|kemudian|dari\\s+sekarang)\\b`,
      'giu',
    ),
    read: ({ n = 'se', unit = '' }, { today }) => oneDay(shiftDay(today, numberOf(n), unitOf(unit))),
  },
  {
    re: new RegExp(`\\b(?<unit>minggu|pekan|bulan|tahun)\\s+(?<how>${PAST}|${NEXT}|ini)\\b`, 'giu'),
    read: ({ unit = '', how }, { today }) => {
      const name = unitOf(unit);
      return periodOf(shiftDay(periodOf(today, name).from, stepOf(how), name), name);
    },
  },
  {
    re: new RegExp(`\\b(?:akhir\\s+(?:pekan|minggu)|weekend)(?:\\s+(?<how>${PAST}|${NEXT}|ini))?\\b`, 'giu'),
    read: ({ how }, { today }) => weekendOf(today + stepOf(how) * 7),
  },
  {
    re: new RegExp(`\\b(?<edge>akhir|awal)\\s+(?<unit>bulan|tahun)(?:\\s+(?<how>${PAST}|${NEXT}|ini))?\\b`, 'giu'),
    read: ({ edge, unit = '', how }, { today }) => {
      const name = unitOf(unit);
      const { from, to } = periodOf(shiftDay(periodOf(today, name).from, stepOf(how), name), name);
      return oneDay(clean(edge) === 'akhir' ? to : from);
    },
  },
  {
    re: new RegExp(
      `\\b(?:(?:pada\\s+)?hari\\s+)?(?<day>${DAYS})(?:\\s+(?<how>${PAST}|${NEXT}|ini|besok|nanti))?\\b`,
      'giu',
    ),
    read: ({ day = '', how }, ref, at) => oneDay(readWeekday(day, how, ref, at)),
  },
  {
    // `minggu` is a week, unless something says that it is the day.
    re: new RegExp(
      `\\bhari\\s+minggu(?:\\s+(?<how>${PAST}|${NEXT}|ini|besok|nanti))?\\b|\\bminggu(?=\\s+(?:${INDONESIAN_PARTS}|jam|pukul)\\b)`,
      'giu',
    ),
    read: ({ how }, ref, at) => oneDay(readWeekday('minggu', how, ref, at)),
  },
];
