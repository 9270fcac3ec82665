/**
 * Order keys: base 62, compared by code unit (`COLLATE "C"` in Postgres, `<` in JavaScript), never by locale.
 *
 * A rank is an integer and a fraction. The integer's first letter says its length ("a0" < "a1" … "az" < "b00"; "Zz" <
 * "a0" below zero), so appends and prepends count and stay short. Between two neighbours the fraction grows, and there
 * the generator is aware of runs: the longer of two neighbours is the newer one, and the next insert will probably
 * come beside it again, so the new key takes one small step instead of halving what is left. 10,000 inserts at one spot
 * stay within 16 characters, where a midpoint needs 1,700.
 *
 * Ranks from a damaged table are repaired, not refused: when nothing fits between `a` and `b` (a >= b), the new rank
 * comes right after `a`, since `a` is the neighbour that the person named. Only characters outside the alphabet throw.
 */
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const BASE = 62n;
const FIRST = 'a0';
/** Digits kept free for one run: 62^3 is 238,328 inserts. */
const MAX_RUN_DIGITS = 3;

/** A rank between two neighbours; null is the start or the end of the list. Throws RangeError on a foreign character. */
export function rankBetween(a: string | null, b: string | null): string {
  if (b === null) return a === null ? FIRST : append(a);
  if (a === null) return prepend(b);
  if (!fits(a, b)) return rankBetween(a, `${a}z`);
  const next = increment(integerOf(a));
  if (next !== null && next < b) return next;
  const { integer, low, high } = openGap(a, b);
  return integer + stepOrHalve(low, high);
}

/** `count` ascending ranks between two neighbours, spread so that they are short. Throws as `rankBetween` does. */
export function ranksBetween(a: string | null, b: string | null, count: number): string[] {
  if (count < 1) return [];
  if (count === 1) return [rankBetween(a, b)];
  if (b === null) return iterate(count, a, (last) => rankBetween(last, null));
  if (a === null) return iterate(count, b, (last) => rankBetween(null, last)).reverse();
  if (!fits(a, b)) return ranksBetween(a, `${a}z`, count);
  const { integer, low, high } = openGap(a, b);
  return spread(low, high, count).map((fraction) => integer + fraction);
}

function iterate(count: number, start: string | null, next: (last: string | null) => string): string[] {
  const ranks: string[] = [];
  let last = start;
  for (let i = 0; i < count; i++) ranks.push((last = next(last)));
  return ranks;
}

// Integers

function integerLength(head: string): number {
  if (head >= 'a' && head <= 'z') return head.charCodeAt(0) - 95;
  if (head >= 'A' && head <= 'Z') return 92 - head.charCodeAt(0);
  throw new RangeError(`Not a rank: it starts with ${JSON.stringify(head)}`);
}

/** The integer of a rank; one cut short by hand reads as if zeros followed. */
function integerOf(rank: string): string {
  const length = integerLength(rank.charAt(0));
  return rank.slice(0, length).padEnd(length, '0');
}

function append(a: string): string {
  const integer = integerOf(a);
  return increment(integer) ?? integer + stepOrHalve(a.slice(integer.length), null);
}

function prepend(b: string): string {
  const integer = integerOf(b);
  if (integer < b) return integer;
  return decrement(integer) ?? underflow();
}

/** Null above "zzz…": 62^26 appends away. */
function increment(integer: string): string | null {
  const head = integer.charAt(0);
  const value = toNumber(integer.slice(1)) + 1n;
  if (value < BASE ** BigInt(integer.length - 1)) return head + toDigits(value, integer.length - 1);
  if (head === 'z') return null;
  if (head === 'Z') return FIRST;
  const next = String.fromCharCode(head.charCodeAt(0) + 1);
  return next.padEnd(integerLength(next), '0');
}

function decrement(integer: string): string | null {
  const head = integer.charAt(0);
  const value = toNumber(integer.slice(1)) - 1n;
  if (value >= 0n) return head + toDigits(value, integer.length - 1);
  if (head === 'A') return null;
  const next = head === 'a' ? 'Z' : String.fromCharCode(head.charCodeAt(0) - 1);
  return next.padEnd(integerLength(next), 'z');
}

function underflow(): never {
  throw new RangeError('No rank is left before the first one');
}

// Fractions: digits after the point, without trailing zeros. An upper end of null is 1.

/** The integer under which there is room between two ranks, and the ends of that room. */
function openGap(a: string, b: string): { integer: string; low: string; high: string | null } {
  const integer = integerOf(a);
  return { integer, low: a.slice(integer.length), high: b.startsWith(integer) ? b.slice(integer.length) : null };
}

/** Whether a rank exists between the two: not when b is a, lies before it, or is a with zeros behind. */
function fits(a: string, b: string): boolean {
  return a < b && !(b.startsWith(a) && /^0*$/.test(b.slice(a.length)));
}

/**
 * The fraction of one new rank: the middle when neither end is newer, else one step beside the newer end. A step is as
 * long as the newer end or shorter. Only a gap without room for it makes the rank longer, by up to half the difference
 * of the ends, which a run has earned and somebody who jumps from side to side has not: they get what a midpoint gives.
 */
function stepOrHalve(low: string, high: string | null): string {
  const { prefix, a, b } = dropCommon(low, high);
  const aheadBy = a.length - (b?.length ?? 0);
  if (Math.abs(aheadBy) < 2) {
    const { from, to, length } = widen(a, b, 2n);
    return prefix + toFraction((from + to) / 2n, length);
  }
  const { from, to, length } = roomForStep(a, b, Math.abs(aheadBy));
  const step = aheadBy > 0 ? 1n : -1n;
  const beside = (aheadBy > 0 ? from : to) + step;
  // A zero at the end would be dropped, and the run's next step would be 62 times as long.
  const skipsZero = beside % BASE === 0n && to - from > 2n;
  return prefix + toFraction(skipsZero ? beside + step : beside, length);
}

function roomForStep(a: string, b: string | null, difference: number): Room {
  const longest = Math.max(a.length, b?.length ?? 0);
  const { from, to } = measure(a, b, longest);
  if (to - from === 1n) return measure(a, b, longest + Math.min(MAX_RUN_DIGITS, Math.floor(difference / 2)));
  const digits = Math.min(MAX_RUN_DIGITS, countDigits(to - from) - 1);
  return widen(a, b, BASE ** BigInt(digits) + 1n);
}

/** `count` fractions at equal distances. */
function spread(low: string, high: string | null, count: number): string[] {
  const { prefix, a, b } = dropCommon(low, high);
  const { from, to, length } = widen(a, b, BigInt(count + 1));
  return Array.from({ length: count }, (_, i) => {
    const value = from + ((to - from) * BigInt(i + 1)) / BigInt(count + 1);
    return prefix + toFraction(value, length);
  });
}

/** Both ends of a gap as integers, in units of 62 to the power of minus `length`. */
interface Room {
  from: bigint;
  to: bigint;
  length: number;
}

function measure(a: string, b: string | null, length: number): Room {
  const from = toNumber(a.slice(0, length).padEnd(length, '0'));
  const to = b === null ? BASE ** BigInt(length) : toNumber(b.slice(0, length).padEnd(length, '0'));
  return { from, to, length };
}

/** The shortest length at which the ends lie at least `steps` (and 2) apart. */
function widen(a: string, b: string | null, steps: bigint): Room {
  for (let length = 1; ; length++) {
    const room = measure(a, b, length);
    const apart = room.to - room.from;
    if (apart >= steps && apart >= 2n) return room;
  }
}

function countDigits(value: bigint): number {
  let digits = 0;
  for (let rest = value; rest > 0n; rest /= BASE) digits++;
  return digits;
}

function dropCommon(low: string, high: string | null): { prefix: string; a: string; b: string | null } {
  if (high === null) return { prefix: '', a: low, b: null };
  let shared = 0;
  while (shared < low.length && low[shared] === high[shared]) shared++;
  return { prefix: high.slice(0, shared), a: low.slice(shared), b: high.slice(shared) };
}

function toNumber(digits: string): bigint {
  let value = 0n;
  for (const digit of digits) {
    const index = DIGITS.indexOf(digit);
    if (index < 0) throw new RangeError(`Not a rank: it holds ${JSON.stringify(digit)}`);
    value = value * BASE + BigInt(index);
  }
  return value;
}

function toDigits(value: bigint, length: number): string {
  let digits = '';
  for (let rest = value, i = 0; i < length; i++, rest /= BASE) digits = DIGITS.charAt(Number(rest % BASE)) + digits;
  return digits;
}

/** A fraction never ends in a zero: nothing would fit between it and the same without. */
function toFraction(value: bigint, length: number): string {
  return toDigits(value, length).replace(/0+$/, '');
}
