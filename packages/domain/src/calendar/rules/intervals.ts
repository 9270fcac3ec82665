/** Starts and ends in turn, sorted, none touching another. Epoch milliseconds, whole seconds; ends are exclusive. */
export type Spans = readonly number[];

export const WEEK_MS = 7 * 86_400_000;
/** 1 January 1970 was a Thursday; weeks begin on Mondays, in UTC. */
const FIRST_MONDAY_MS = 4 * 86_400_000;

export const weekOf = (ms: number): number => Math.floor((ms - FIRST_MONDAY_MS) / WEEK_MS);
export const weekStart = (week: number): number => week * WEEK_MS + FIRST_MONDAY_MS;

/** The spans that cover what these pairs of start and end cover, whatever their order; pairs of no length cover nothing. */
export function mergeSpans(pairs: readonly number[]): Spans {
  const order: number[] = [];
  for (let i = 0; i < pairs.length; i += 2) if (pairs[i]! < pairs[i + 1]!) order.push(i);
  order.sort((a, b) => pairs[a]! - pairs[b]!);
  const merged: number[] = [];
  for (const i of order) {
    const last = merged.length - 1;
    if (last > 0 && pairs[i]! <= merged[last]!) merged[last] = Math.max(merged[last]!, pairs[i + 1]!);
    else merged.push(pairs[i]!, pairs[i + 1]!);
  }
  return merged;
}

/** What of `spans` lies outside `others`. */
export function subtractSpans(spans: Spans, others: Spans): Spans {
  if (others.length === 0) return spans;
  const left: number[] = [];
  let j = 0;
  for (let i = 0; i < spans.length; i += 2) {
    let from = spans[i]!;
    const to = spans[i + 1]!;
    while (j < others.length && others[j + 1]! <= from) j += 2;
    for (let k = j; k < others.length && others[k]! < to; k += 2) {
      if (others[k]! > from) left.push(from, others[k]!);
      from = others[k + 1]!;
    }
    if (from < to) left.push(from, to);
  }
  return left;
}

/** What of `spans` lies in [from, to). */
export function cutSpans(spans: Spans, from: number, to: number): Spans {
  const cut: number[] = [];
  for (let i = 0; i < spans.length; i += 2) {
    if (spans[i + 1]! <= from) continue;
    if (spans[i]! >= to) break;
    cut.push(Math.max(spans[i]!, from), Math.min(spans[i + 1]!, to));
  }
  return cut;
}

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
  LETTERS[value >> 18]! + LETTERS[(value >> 12) & 63]! + LETTERS[(value >> 6) & 63]! + LETTERS[value & 63]!;

/** The number that the four letters at `at` stand for. */
export const unpack = (packed: string, at: number): number =>
  (VALUES[packed.charCodeAt(at)]! << 18) |
  (VALUES[packed.charCodeAt(at + 1)]! << 12) |
  (VALUES[packed.charCodeAt(at + 2)]! << 6) |
  VALUES[packed.charCodeAt(at + 3)]!;

/** What of this falls into one week. */
export function packWeek(week: number, { busy, tentative }: BusySpans): string {
  const from = weekStart(week);
  const firm = cutSpans(busy, from, from + WEEK_MS);
  const open = cutSpans(tentative, from, from + WEEK_MS);
  let packed = '';
  for (let i = 0, j = 0; i < firm.length || j < open.length;) {
    const is_open = i >= firm.length || (j < open.length && open[j]! < firm[i]!);
    const [starts_at, ends_at] = is_open ? [open[j]!, open[j + 1]!] : [firm[i]!, firm[i + 1]!];
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
    for (let at = 0; at < packed.length; at += PACKED) {
      const start = unpack(packed, at);
      const list = start >= TENTATIVE ? tentative : busy;
      const starts_at = from + (start % TENTATIVE) * 1000;
      if (list.at(-1) === starts_at) list.pop();
      else list.push(starts_at);
      list.push(from + unpack(packed, at + 4) * 1000);
    }
  }
  return { busy, tentative };
}
