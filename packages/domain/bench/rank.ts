/**
 * Length of order keys after 10,000 inserts, beside a plain base-62 midpoint. Run: `node packages/domain/bench/rank.ts`.
 * Prints, per pattern, the longest and the mean key of both, and the ratio of the longest ones.
 */
import { rankBetween } from '../src/canvas/rules/rank.ts';

const INSERTS = 10_000;
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

type Generator = (a: string | null, b: string | null) => string;

/** Halves the gap, digit by digit. */
const midpoint: Generator = (a, b) => {
  let key = '';
  let low = a ?? '';
  let high = b;
  for (let i = 0; ; i++) {
    const from = DIGITS.indexOf(low[i] ?? '0');
    const to = high === null ? DIGITS.length : DIGITS.indexOf(high[i] ?? '0');
    if (to - from > 1) return key + DIGITS.charAt((from + to) >> 1);
    key += DIGITS.charAt(from);
    if (to > from) high = null;
    low = low.padEnd(i + 1, '0');
  }
};

type Pattern = (last: string | null, ends: [string, string], i: number) => [string | null, string | null];

const patterns: Record<string, Pattern> = {
  append: (last) => [last, null],
  prepend: (last) => [null, last],
  'always after one': (last, [a, b]) => [a, last ?? b],
  'always before one': (last, [a, b]) => [last ?? a, b],
  zigzag: (last, ends, i) => {
    if (last !== null) ends[i % 2] = last;
    return ends;
  },
};

function measure(generate: Generator, pattern: Pattern): { longest: number; mean: number } {
  const first = generate(null, null);
  const ends: [string, string] = [first, generate(first, null)];
  let last: string | null = null;
  let longest = 0;
  let total = 0;
  for (let i = 0; i < INSERTS; i++) {
    last = generate(...pattern(last, ends, i));
    longest = Math.max(longest, last.length);
    total += last.length;
  }
  return { longest, mean: Math.round((total / INSERTS) * 10) / 10 };
}

function measureRandom(generate: Generator): { longest: number; mean: number } {
  const list: string[] = [];
  for (let i = 0, seed = 1; i < INSERTS; i++) {
    seed = (seed * 48_271) % 2_147_483_647;
    const at = seed % (list.length + 1);
    list.splice(at, 0, generate(list[at - 1] ?? null, list[at] ?? null));
  }
  const total = list.reduce((sum, key) => sum + key.length, 0);
  return { longest: Math.max(...list.map((key) => key.length)), mean: Math.round((total / INSERTS) * 10) / 10 };
}

const rows = Object.entries(patterns).map(([name, pattern]) => ({
  name,
  ours: measure(rankBetween, pattern),
  plain: measure(midpoint, pattern),
}));
rows.push({ name: 'random place', ours: measureRandom(rankBetween), plain: measureRandom(midpoint) });

console.table(
  Object.fromEntries(
    rows.map(({ name, ours, plain }) => [
      name,
      {
        'run-aware longest': ours.longest,
        mean: ours.mean,
        'midpoint longest': plain.longest,
        'midpoint mean': plain.mean,
        ratio: Math.round((ours.longest / plain.longest) * 1_000) / 1_000,
      },
    ]),
  ),
);
