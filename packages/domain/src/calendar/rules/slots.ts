import { cutSpans, mergeSpans, pairsOf, subtractSpans, uniteSpans, type Spans } from './intervals.ts';
import { toInstant, toLocal } from './zones.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** When somebody works, by the clock of their zone. */
export interface WorkingHours {
  /** ISO 8601: 1 is Monday, 7 is Sunday. Of hours that go over midnight the day on which they begin. */
  days: readonly number[];
  /** Minutes since midnight; an end at or before the start is on the next day. */
  start: number;
  end: number;
}

export interface SlotPerson {
  time_zone: string;
  /** Null: at any time. */
  hours: WorkingHours | null;
  /** When they cannot. */
  taken: Spans;
}

export interface SlotQuery {
  people: readonly SlotPerson[];
  /** Epoch milliseconds. */
  from: number;
  to: number;
  duration_minutes: number;
  /** Slots begin at whole steps of the clock in `time_zone`, counted from midnight. */
  step_minutes: number;
  time_zone: string;
  /** Free before and after. */
  buffer_minutes: number;
  limit: number;
}

/** The first starts at which all of these people have time, epoch milliseconds. */
export function findStarts(query: SlotQuery): number[] {
  const { from, to, duration_minutes, buffer_minutes, limit } = query;
  const buffer = buffer_minutes * MINUTE_MS;
  const closed = query.people.map(({ hours, time_zone, taken }) =>
    uniteSpans([
      hours === null ? [] : subtractSpans([from, to], workingSpans(hours, time_zone, from, to)),
      widen(taken, buffer),
    ]),
  );
  const open = subtractSpans([from, to], cutSpans(uniteSpans(closed), from, to));
  const starts: number[] = [];
  for (const [opens, closes] of pairsOf(open)) {
    let at = nextStep(opens, query);
    while (at + duration_minutes * MINUTE_MS <= closes) {
      starts.push(at);
      if (starts.length === limit) return starts;
      at = nextStep(at + 1, query);
    }
  }
  return starts;
}

/** When somebody works between two instants. Each day for itself, so that a day of 23 hours begins at nine as well. */
export function workingSpans({ days, start, end }: WorkingHours, zone: string, from: number, to: number): Spans {
  const pairs: number[] = [];
  const length = end > start ? end - start : end - start + 1_440;
  const last = toLocal(to, zone);
  // From the day before, whose hours may reach into this one.
  for (let day = Math.floor(toLocal(from, zone) / DAY_MS) * DAY_MS - DAY_MS; day <= last; day += DAY_MS) {
    if (!days.includes(new Date(day).getUTCDay() || 7)) continue;
    const opens = day + start * MINUTE_MS;
    pairs.push(toInstant(opens, zone), toInstant(opens + length * MINUTE_MS, zone));
  }
  return cutSpans(mergeSpans(pairs), from, to);
}

const widen = (spans: Spans, by: number): Spans =>
  by === 0 ? spans : mergeSpans(spans.map((at, i) => (i % 2 === 0 ? at - by : at + by)));

/** The first instant at or after `at` that is a whole step of the clock. */
function nextStep(at: number, { step_minutes, time_zone }: SlotQuery): number {
  const step = step_minutes * MINUTE_MS;
  for (;;) {
    const time_of_day = toLocal(at, time_zone) % DAY_MS;
    const over = time_of_day % step;
    if (over === 0) return at;
    // Steps are counted anew from each midnight, and by another clock from where it changes.
    const next = at + Math.min(step - over, DAY_MS - time_of_day);
    at = firstChange(at, next, time_zone);
  }
}

/** Where between two instants the clock is first another than at `from`; if it is not, `to`. */
function firstChange(from: number, to: number, zone: string): number {
  const offsetAt = (ms: number): number => toLocal(ms, zone) - ms;
  const before = offsetAt(from);
  if (offsetAt(to) === before) return to;
  let [low, high] = [from, to];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle) === before) low = middle;
    else high = middle;
  }
  return high;
}
