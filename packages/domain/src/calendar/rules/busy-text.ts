import { PACKED, TENTATIVE, unpack, WEEK_MS, weekStart } from './intervals.ts';

/** An interval as clients read it; ISO 8601, UTC. */
export interface BusyInterval {
  starts_at: string;
  ends_at: string;
  status: 'busy' | 'tentative';
}

const DAY = 86_400;
const WEEK = WEEK_MS / 1000;
/** Weeks whose times are kept as text: what is asked about is mostly this week and the next ones. */
const MAX_KEPT = 32;

const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
/** `T09:00:00Z` by the minute of the day. */
const TIMES = Array.from({ length: 1_440 }, (_, minute) => `T${two(minute / 60)}:${two(minute % 60)}:00Z`);

/** The seconds of one week as text. Most are whole minutes that were asked for before: those are kept, and not made again. */
class WeekText {
  readonly #days: string[];
  /** Of its full length from the start: one that grows by single far places would become a slow dictionary. */
  readonly #minutes = new Array<string | undefined>(WEEK / 60 + 1);

  constructor(week: number) {
    this.#days = Array.from({ length: 8 }, (_, day) =>
      new Date(weekStart(week) + day * DAY * 1000).toISOString().slice(0, 10),
    );
  }

  /** `at`: 0 to 604,800. */
  print(at: number): string {
    if (at % 60 !== 0) return this.#make(at);
    return (this.#minutes[at / 60] ??= this.#make(at));
  }

  #make(at: number): string {
    const second = at % DAY;
    const day = this.#days[(at - second) / DAY] ?? '';
    if (second % 60 === 0) return day + (TIMES[second / 60] ?? '');
    return `${day}T${two(second / 3_600)}:${two((second / 60) % 60)}:${two(second % 60)}Z`;
  }
}

const kept = new Map<number, WeekText>();

function weekText(week: number): WeekText {
  const known = kept.get(week);
  if (known) return known;
  for (const oldest of kept.keys()) {
    if (kept.size < MAX_KEPT) break;
    kept.delete(oldest);
  }
  const made = new WeekText(week);
  kept.set(week, made);
  return made;
}

/** Writes packed weeks, in their order, as the intervals of one window. Epoch milliseconds, of which only seconds count. */
export function printBusy(
  weeks: readonly { week: number; packed: string }[],
  window: { from: number; to: number },
): BusyInterval[] {
  const intervals: BusyInterval[] = [];
  let last: BusyInterval | undefined;
  /** The week at whose end `last` goes on. */
  let open_week: number | undefined;
  for (const { week, packed } of weeks) {
    const text = weekText(week);
    const from = (window.from - weekStart(week)) / 1000;
    const to = Math.min((window.to - weekStart(week)) / 1000, WEEK);
    for (let at = 0; at < packed.length; at += PACKED) {
      const start = unpack(packed, at);
      const is_tentative = start >= TENTATIVE;
      const starts_at = is_tentative ? start - TENTATIVE : start;
      const ends_at = unpack(packed, at + 4);
      if (ends_at <= from || starts_at >= to) continue;
      const status = is_tentative ? 'tentative' : 'busy';
      const until = text.print(ends_at < to ? ends_at : Math.ceil(to));
      // What went on at the end of the week before goes on here.
      if (starts_at === 0 && open_week === week - 1 && last?.status === status) last.ends_at = until;
      else {
        last = { starts_at: text.print(starts_at > from ? starts_at : Math.floor(from)), ends_at: until, status };
        intervals.push(last);
      }
      if (ends_at === WEEK) open_week = week;
    }
  }
  return intervals;
}
