/** Starts and ends in turn, sorted, none touching another. Epoch milliseconds, whole seconds; ends are exclusive. */
export type Spans = readonly number[];

export const WEEK_MS = 7 * 86_400_000;
/** 1 January 1970 was a Thursday; weeks begin on Mondays, in UTC. */
const FIRST_MONDAY_MS = 4 * 86_400_000;

export const weekOf = (ms: number): number => Math.floor((ms - FIRST_MONDAY_MS) / WEEK_MS);
export const weekStart = (week: number): number => week * WEEK_MS + FIRST_MONDAY_MS;

/** The edge at `i`. */
const at = (spans: Spans, i: number): number => spans[i] ?? NaN;

/** The spans that cover what these pairs of start and end cover, whatever their order; pairs of no length cover nothing. */
export function mergeSpans(pairs: readonly number[]): Spans {
  const order: number[] = [];
  for (let i = 0; i < pairs.length; i += 2) if (at(pairs, i) < at(pairs, i + 1)) order.push(i);
  order.sort((a, b) => at(pairs, a) - at(pairs, b));
  const merged: number[] = [];
  for (const i of order) {
    const last = merged.length - 1;
    if (last > 0 && at(pairs, i) <= at(merged, last)) merged[last] = Math.max(at(merged, last), at(pairs, i + 1));
    else merged.push(at(pairs, i), at(pairs, i + 1));
  }
  return merged;
}

/** What of `spans` lies outside `others`. */
export function subtractSpans(spans: Spans, others: Spans): Spans {
  if (others.length === 0) return spans;
  const left: number[] = [];
  let j = 0;
  for (let i = 0; i < spans.length; i += 2) {
    let from = at(spans, i);
    const to = at(spans, i + 1);
    while (j < others.length && at(others, j + 1) <= from) j += 2;
    for (let k = j; k < others.length && at(others, k) < to; k += 2) {
      if (at(others, k) > from) left.push(from, at(others, k));
      from = at(others, k + 1);
    }
    if (from < to) left.push(from, to);
  }
  return left;
}

/** What of `spans` lies in [from, to). */
export function cutSpans(spans: Spans, from: number, to: number): Spans {
  const cut: number[] = [];
  for (let i = 0; i < spans.length; i += 2) {
    if (at(spans, i + 1) <= from) continue;
    if (at(spans, i) >= to) break;
    cut.push(Math.max(at(spans, i), from), Math.min(at(spans, i + 1), to));
  }
  return cut;
}

/** Whether some of it lies in [from, to), which is not empty. */
export function meetsSpans(spans: Spans, from: number, to: number): boolean {
  let low = 0;
  let high = spans.length / 2;
  // The first that ends after `from`.
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at(spans, 2 * middle + 1) <= from) low = middle + 1;
    else high = middle;
  }
  return at(spans, 2 * low) < to;
}

/** Start and end of each. */
export const pairsOf = (spans: Spans): [number, number][] =>
  Array.from({ length: spans.length / 2 }, (_, i) => [at(spans, 2 * i), at(spans, 2 * i + 1)]);

/** Where some of these are, of several people say. */
export const uniteSpans = (lists: readonly Spans[]): Spans => mergeSpans(lists.flat());

/** When somebody is busy; where they are both, they are busy, so the two lists have nothing in common. */
export interface BusySpans {
  busy: Spans;
  tentative: Spans;
}

/*
 * A packed week: eight letters for each interval, in order of start. Four are the second of the week at which it starts, with a
 * bit that tells tentative from busy, four that at which it ends. Of a fixed width, since what is read ten times for each
 * write must cost no parsing; letters that need no escape anywhere.
 */
const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz-';
const VALUES = new Uint8Array(128);
for (let i = 0; i < LETTERS.length; i++) VALUES[LETTERS.charCodeAt(i)] = i;

/** How many letters one interval takes. */
export const PACKED = 8;
/** Added to the second at which a tentative interval starts. */
export const TENTATIVE = 1 << 20;

const pack = (value: number): string =>
  LETTERS.charAt(value >> 18) +
  LETTERS.charAt((value >> 12) & 63) +
  LETTERS.charAt((value >> 6) & 63) +
  LETTERS.charAt(value & 63);

const value = (packed: string, index: number): number => VALUES[packed.charCodeAt(index)] ?? 0;

/** The number that the four letters at `index` stand for. */
export const unpack = (packed: string, index: number): number =>
  (value(packed, index) << 18) |
  (value(packed, index + 1) << 12) |
  (value(packed, index + 2) << 6) |
  value(packed, index + 3);

/** What of this falls into one week. */
export function packWeek(week: number, { busy, tentative }: BusySpans): string {
  const from = weekStart(week);
  const firm = cutSpans(busy, from, from + WEEK_MS);
  const open = cutSpans(tentative, from, from + WEEK_MS);
  let packed = '';
  for (let i = 0, j = 0; i < firm.length || j < open.length;) {
    const is_open = i >= firm.length || (j < open.length && at(open, j) < at(firm, i));
    const [starts_at, ends_at] = is_open ? [at(open, j), at(open, j + 1)] : [at(firm, i), at(firm, i + 1)];
    packed += pack((starts_at - from) / 1000 + (is_open ? TENTATIVE : 0)) + pack((ends_at - from) / 1000);
    if (is_open) j += 2;
    else i += 2;
  }
  return packed;
}

/** What was packed, of several weeks in their order. Spans that go over the edge of a week are whole again. */
export function unpackWeeks(weeks: readonly { week: number; packed: string }[]): BusySpans {
  const busy: number[] = [];
  const tentative: number[] = [];
  for (const { week, packed } of weeks) {
    const from = weekStart(week);
    for (let i = 0; i < packed.length; i += PACKED) {
      const start = unpack(packed, i);
      const list = start >= TENTATIVE ? tentative : busy;
      const starts_at = from + (start % TENTATIVE) * 1000;
      if (list.at(-1) === starts_at) list.pop();
      else list.push(starts_at);
      list.push(from + unpack(packed, i + 4) * 1000);
    }
  }
  return { busy, tentative };
}
