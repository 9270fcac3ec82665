import { PACKED, TENTATIVE, unpack, WEEK_MS, weekOf, weekStart } from './intervals.ts';

/** An interval as clients read it; ISO 8601, UTC. */
export interface BusyInterval {
  starts_at: string;
  ends_at: string;
  status: 'busy' | 'tentative';
}

const DAY = 86_400;
/** `T09:00:00Z` by the minute of the day. Most times are whole minutes, and these are joined, not made. */
const TIMES = Array.from({ length: 1_440 }, (_, minute) => `T${two(minute / 60)}:${two(minute % 60)}:00Z`);

function two(value: number): string {
  return String(Math.floor(value)).padStart(2, '0');
}

/** Writes the packed weeks of several people as intervals of one window. Epoch milliseconds. */
export function busyPrinter(from: number, to: number): (weeks: readonly PackedWeek[]) => BusyInterval[] {
  const first = weekOf(from);
  const days = Array.from({ length: (weekOf(to - 1) - first + 1) * 7 + 1 }, (_, day) =>
    new Date(weekStart(first) + day * DAY * 1000).toISOString().slice(0, 10),
  );
  /** Seconds are counted from the start of the first week. */
  const print = (at: number): string => {
    const second = at % DAY;
    const day = days[(at - second) / DAY]!;
    return second % 60 === 0
      ? day + TIMES[second / 60]!
      : `${day}T${two(second / 3_600)}:${two((second / 60) % 60)}:${two(second % 60)}Z`;
  };
  // To the whole second that covers it.
  const window = { from: Math.floor((from - weekStart(first)) / 1000), to: Math.ceil((to - weekStart(first)) / 1000) };
  return (weeks) => printWeeks(weeks, first, window, print);
}

interface PackedWeek {
  week: number;
  packed: string;
}

function printWeeks(
  weeks: readonly PackedWeek[],
  first: number,
  window: { from: number; to: number },
  print: (at: number) => string,
): BusyInterval[] {
  const intervals: BusyInterval[] = [];
  let last: BusyInterval | undefined;
  let last_end = -1;
  for (const { week, packed } of weeks) {
    const offset = ((week - first) * WEEK_MS) / 1000;
    for (let at = 0; at < packed.length; at += PACKED) {
      const start = unpack(packed, at);
      const is_tentative = start >= TENTATIVE;
      const starts_at = offset + (is_tentative ? start - TENTATIVE : start);
      const ends_at = offset + unpack(packed, at + 4);
      if (ends_at <= window.from || starts_at >= window.to) continue;
      const status = is_tentative ? 'tentative' : 'busy';
      const until = print(ends_at < window.to ? ends_at : window.to);
      // Two that touch are one that goes over the edge of a week.
      if (last !== undefined && last_end === starts_at && last.status === status) last.ends_at = until;
      else {
        last = { starts_at: print(starts_at > window.from ? starts_at : window.from), ends_at: until, status };
        intervals.push(last);
      }
      last_end = ends_at;
    }
  }
  return intervals;
}
