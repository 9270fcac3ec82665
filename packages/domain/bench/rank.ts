/**
 * Order keys after 10,000 inserts of each kind, beside `fractional-indexing` and `lexorank` from npm: longest and mean
 * length, and the time for a key as a ratio to ours. Run: `node packages/domain/bench/rank.ts`.
 */
import { generateKeyBetween } from 'fractional-indexing';
import lexorank from 'lexorank';
import { rankBetween } from '../src/canvas/rules/rank.ts';

const { LexoRank } = lexorank;
const INSERTS = 10_000;
/** `lexorank` takes a time that grows with the square of the length: it is stopped here, and the table says where. */
const CAP_MS = 5_000;

/** Two keys to begin with, and a key between two; null is an end of the list. */
type Generator = (a: string | null, b: string | null) => string;

const generators: Record<string, Generator> = {
  ours: rankBetween,
  'fractional-indexing': generateKeyBetween,
  lexorank: (a, b) => {
    const [low, high] = [a, b].map((key) => (key === null ? null : LexoRank.parse(key)));
    if (low && high) return low.between(high).toString();
    return (low ? low.genNext() : high ? high.genPrev() : LexoRank.middle()).toString();
  },
};

/** Between which two the next key goes: `made` holds those of the run, `ends` the two that were there before. */
type Pattern = (made: string[], ends: [string, string]) => [string | null, string | null];

/** A place that jumps about, the same for all. */
function randomPlace(): Pattern {
  const list: string[] = [];
  let at = 0;
  let seed = 1;
  return (made) => {
    const last = made.at(-1);
    if (last !== undefined) list.splice(at, 0, last);
    seed = (seed * 48_271) % 2_147_483_647;
    at = seed % (list.length + 1);
    return [list[at - 1] ?? null, list[at] ?? null];
  };
}

/** Always between the last two, from alternating sides: no scheme keeps this short without a rebalance. */
function alternating(): Pattern {
  let gap: [string, string] | undefined;
  return (made, ends) => {
    const last = made.at(-1);
    gap = last === undefined || !gap ? ends : made.length % 2 ? [last, gap[1]] : [gap[0], last];
    return gap;
  };
}

const patterns: Record<string, () => Pattern> = {
  append: () => (made) => [made.at(-1) ?? null, null],
  prepend: () => (made) => [null, made.at(-1) ?? null],
  'same spot, after one':
    () =>
    (made, [a, b]) => [a, made.at(-1) ?? b],
  'same spot, before one':
    () =>
    (made, [a, b]) => [made.at(-1) ?? a, b],
  'random place': randomPlace,
  'alternating adversary': alternating,
};

interface Result {
  keys: number;
  longest: number;
  mean: number;
  ns: number;
}

function measure(generate: Generator, pattern: Pattern): Result {
  const first = generate(null, null);
  const ends: [string, string] = [first, generate(first, null)];
  const made: string[] = [];
  let ns = 0n;
  const began = performance.now();
  while (made.length < INSERTS && performance.now() - began < CAP_MS) {
    const [a, b] = pattern(made, ends);
    const before = process.hrtime.bigint();
    made.push(generate(a, b));
    ns += process.hrtime.bigint() - before;
  }
  const lengths = made.map((key) => key.length);
  const mean = lengths.reduce((sum, length) => sum + length, 0) / made.length;
  return { keys: made.length, longest: Math.max(...lengths), mean, ns: Number(ns) / made.length };
}

const table: Record<string, Record<string, string>> = {};
for (const [pattern_name, pattern] of Object.entries(patterns)) {
  let ours: Result | undefined;
  for (const [name, generate] of Object.entries(generators)) {
    // Once to warm up, once to count; who was stopped once is not asked again.
    let result = measure(generate, pattern());
    if (result.keys === INSERTS) result = measure(generate, pattern());
    ours ??= result;
    const { keys, longest, mean, ns } = result;
    const stopped = keys < INSERTS ? ` at ${keys}` : '';
    (table[pattern_name] ??= {})[name] = `${longest}${stopped} (${mean.toFixed(1)}), ${(ns / ours.ns).toFixed(1)}x`;
  }
}
console.log(`longest key (mean) after ${INSERTS} inserts, and time for a key against ours`);
console.table(table);
