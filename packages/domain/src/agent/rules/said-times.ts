import { DAY_MS } from '../../calendar/rules/civil.ts';
import { toInstant, toLocal } from '../../calendar/rules/zones.ts';
import { scanDates } from '../../chat/rules/date-scan.ts';
import { refOf } from '../../chat/rules/dates.ts';
import type { DayPart } from '../../chat/rules/date-words.ts';
import { type Clock, DAY, HOUR, HOUR_WORDS, hourOf, minutesOf, PART_TIMES } from './clock-words.ts';
import { type Duration, scanAmount, scanLead, scanLength, scanOffset, scanShift } from './durations.ts';
import { type Recurrence, scanCount, scanRecurrence } from './recurrence-words.ts';
import { scanPart, scanTimes, TAKEN } from './times.ts';
import type { CommandAt } from './when.ts';
import { spelt } from './spelling.ts';

/** Everything that a message says of times, wherever in it: what a write may be held against. */
export interface SaidTimes {
  /** First and last days, counted from 1970-01-01. */
  days: { from: number; to: number }[];
  /** Minutes of a day that are meant, or could be: `at 8` is in the morning or in the evening. */
  minutes: ReadonlySet<number>;
  /** The same of numbers that nothing says to be times. */
  bare_minutes: ReadonlySet<number>;
  /** From and to, minutes of a day: `in the evening`. */
  parts: { from: number; to: number }[];
  /** Minutes, of whatever: how long, in how long, by how much. */
  lengths: ReadonlySet<number>;
  recurrences: Recurrence[];
  has_count: boolean;
  /** The text without any of it. */
  rest: string;
  /** The day of the message. */
  today: number;
  /** Whole minutes from the message to a wall clock, in milliseconds as if it were UTC. */
  minutesTo: (local: number) => number;
}

/** Of one kind; who says more leaves the rest unsaid. */
const MOST = 8;
const BARE_HOUR = new RegExp(
  `(?<![\\p{L}\\p{N}.,:/-])(?:(?<h>[01]?\\d|2[0-4])|(?<word>${HOUR_WORDS}))(?![\\p{L}\\p{N}:/-])`,
  'giu',
);

/** Reads all of it. `now` is what "tomorrow" is counted from. */
export function saidTimes(text: string, { now, time_zone }: CommandAt): SaidTimes {
  const at = Date.parse(now);
  const today = Math.floor(toLocal(at, time_zone) / DAY_MS);
  let rest = spelt(text);
  const take = ({ start, end }: { start: number; end: number }): void => {
    rest = rest.slice(0, start) + TAKEN.repeat(end - start) + rest.slice(end);
  };
  const each = <T extends { start: number; end: number }>(scan: (text: string) => T | null): T[] => {
    const found: T[] = [];
    for (let one = scan(rest); one !== null && found.length < MOST; one = scan(rest)) {
      found.push(one);
      take(one);
    }
    return found;
  };
  const recurrences = each(scanRecurrence);
  const counts = each(scanCount);
  const lengths: Duration[] = [scanLead, scanLength, scanOffset, scanShift, scanAmount].flatMap((scan) => each(scan));
  const dates = scanDates(rest, { ...refOf(at, { time_zone, language: 'und' }), leanAt: () => 'future' }).filter(
    ({ start, end }) => !rest.slice(start, end).includes(TAKEN),
  );
  dates.forEach(take);
  const times = scanTimes(rest);
  times.forEach(take);
  const parts = [
    ...[...dates, ...recurrences].map(({ part }) => part),
    ...times.flatMap(({ from, to }) => [from.part, to?.part ?? null]),
    ...each(scanPart).map(({ part }) => part),
  ].filter((part): part is DayPart => part !== null);
  const clocks = times.flatMap(({ from, to }) => (to === null ? [from] : [from, to]));
  const bare = bareHours(rest);
  return {
    days: dates.map(({ from, to }) => ({ from, to })),
    minutes: new Set(clocks.flatMap((clock) => meanings(clock, parts))),
    bare_minutes: new Set(bare.flatMap((clock) => meanings(clock, parts))),
    parts: clocks.length + bare.length > 0 ? [] : parts.map((part) => PART_TIMES[part]),
    lengths: new Set(lengths.map(({ minutes }) => minutes)),
    recurrences,
    has_count: counts.length > 0,
    rest: rest.replaceAll(TAKEN, ' '),
    today,
    minutesTo: (local) => Math.round((toInstant(local, time_zone) - Math.floor(at / 60_000) * 60_000) / 60_000),
  };
}

/** Numbers and words that could be hours, where nothing says that they are. */
const bareHours = (text: string): Clock[] =>
  [...text.matchAll(BARE_HOUR)].slice(0, MOST).map(({ groups }) => ({
    ...{ hour: hourOf(groups?.['h'] ?? groups?.['word'] ?? '') % 24, minute: 0, meridiem: null, part: null },
    is_literal: false,
  }));

/** The minutes of a day that a time may mean. */
function meanings(clock: Clock, parts: readonly DayPart[]): number[] {
  const all = [null, ...parts].flatMap((part) => {
    const said = { ...clock, part: clock.part ?? part };
    return [minutesOf(said, true).at, minutesOf(said, false).at];
  });
  const is_open = clock.meridiem === null && clock.part === null && !clock.is_literal && clock.hour <= 12;
  const halves = is_open ? [clock.hour % 12, (clock.hour % 12) + 12].map((hour) => hour * HOUR + clock.minute) : [];
  return [...all, ...halves].map((at) => at % DAY);
}
