import { DAY_MS, weekday } from '../../calendar/rules/civil.ts';
import { toInstant, toLocal } from '../../calendar/rules/zones.ts';
import { type Clock, DAY, minutesOf, PART_TIMES } from './clock-words.ts';
import type { Recurrence } from './recurrence-words.ts';
import { firstDay, needsDay, rruleOf } from './rrule-of.ts';
import { clockAt, type CommandAt, dayText, localOf, type When } from './when.ts';

/** What has to be asked before anything is done. */
export type Unclear = 'when' | 'time' | 'day' | 'past' | 'too_often' | 'length';

/** A time as a tool takes it: wall clocks of the person's zone, days alone if it is all day. */
export interface Settled {
  starts_local: string;
  /** Exclusive; null: as long as it is by default. */
  ends_local: string | null;
  duration_minutes: number | null;
  rrule: string | null;
  recurrence: Recurrence | null;
  is_all_day: boolean;
}

/** What needs no time of day. */
const ALL_DAY =
  /\b(?:birthday|anniversary|holiday|vacation|day\s+off|leave|ulang\s+tahun|ultah|libur(?:an)?|cuti|off\s+day)\b/iu;
/** What is done early: five o'clock is in the morning then. */
const EARLY =
  /\b(?:wake|alarm|breakfast|sunrise|run(?:ning)?|jog(?:ging)?|gym|workout|yoga|swim|bangun\w*|sarapan|sahur|subuh|lari|olahraga|joging|senam|salat\s+subuh)\b/iu;

/** The time that a text means, for a reminder or an event; or what it leaves open. Nothing is guessed that could as well be otherwise. */
export function resolveWhen(when: When, at: CommandAt, is_event: boolean): Settled | Unclear {
  if (when.offset !== null && !when.recurrence) return fromNow(when, at);
  const time = timeOf(when);
  const is_all_day = is_event && time === null && (when.is_all_day || ALL_DAY.test(when.rest));
  if (when.recurrence) return repeated(when, when.recurrence, time, is_all_day, at);
  if (is_all_day || isStretch(when, time, is_event)) return wholeDays(when, at);
  if (when.date && when.date.exact === null) return 'day';
  if (time === null) return when.date ? 'time' : 'when';
  const day = dayFor(when, time, at);
  return typeof day === 'string' ? day : settle(when, day.day, day.at, time, at, null);
}

interface Time {
  at: number;
  /** Minutes from midnight of the same day. */
  until: number | null;
  is_unsure: boolean;
}

function timeOf(when: When): Time | null {
  const is_early = EARLY.test(when.rest);
  if (when.from === null) {
    if (when.part === null) return null;
    return { at: PART_TIMES[when.part].at, until: null, is_unsure: false };
  }
  const { at, is_unsure } = minutesOf(withPart(when.from, when), is_early);
  return { at, until: when.to ? endAfter(at, withPart(when.to, when)) : null, is_unsure };
}

/** `tomorrow evening at 8`: the part stands apart from its time. */
const withPart = (clock: Clock, { part }: When): Clock => (clock.part === null ? { ...clock, part } : clock);

function endAfter(start: number, clock: Clock): number {
  const { at } = minutesOf(clock, true);
  if (at > start) return at;
  return at + DAY / 2 > start && clock.meridiem === null && !clock.is_literal ? at + DAY / 2 : at + DAY;
}

const isStretch = (when: When, time: Time | null, is_event: boolean): boolean =>
  is_event && time === null && when.date !== null && (when.until !== null || isFewDays(when.date));

const isFewDays = ({ from, to, exact }: { from: number; to: number; exact: number | null }): boolean =>
  exact === null && to - from < 28 && to - from !== 6 && to - from !== 1;

function fromNow(when: When, { now, time_zone }: CommandAt): Settled {
  // To the whole minute, never early.
  const instant = Math.ceil(Date.parse(now) / 60_000) * 60_000 + (when.offset ?? 0) * 60_000;
  const local = toLocal(instant, time_zone);
  const day = Math.floor(local / DAY_MS);
  return single(localOf(day, Math.floor((local - day * DAY_MS) / 60_000)), when.length);
}

const single = (starts_local: string, duration_minutes: number | null): Settled => ({
  starts_local,
  ends_local: null,
  duration_minutes,
  rrule: null,
  recurrence: null,
  is_all_day: false,
});

/** The day of a time: the one that was said, else today or tomorrow. A time that may be of either half of a day is the next of both. */
function dayFor(when: When, time: Time, at: CommandAt): { day: number; at: number } | 'past' {
  const { today, minute } = clockAt(at);
  const day = when.date?.exact ?? today;
  const midnight = time.at === 0 && (when.date?.part === 'night' || day === today) ? DAY : 0;
  const said = time.at + midnight;
  if (day > today || (day === today && said > minute)) return { day, at: said };
  if (day === today && time.is_unsure && time.at < DAY / 2 && time.at + DAY / 2 > minute)
    return { day, at: time.at + DAY / 2 };
  return when.date ? 'past' : { day: today + 1, at: said };
}

function wholeDays(when: When, at: CommandAt): Settled | Unclear {
  if (!when.date) return 'day';
  const days = when.length !== null && when.length >= DAY ? Math.round(when.length / DAY) : 1;
  const last = Math.max(when.until?.to ?? when.date.to, when.date.from + days - 1);
  if (when.date.exact === null && last - when.date.from >= 28) return 'day';
  if (last < clockAt(at).today) return 'past';
  return {
    ...single(dayText(when.date.from), null),
    ends_local: dayText(last + 1),
    is_all_day: true,
  };
}

function settle(when: When, day: number, start: number, time: Time, at: CommandAt, rule: Recurrence | null): Settled {
  const shift = start - time.at;
  return {
    starts_local: localOf(day, start),
    ends_local: time.until === null ? null : localOf(day, time.until + shift),
    duration_minutes: time.until === null && (when.length ?? DAY) < DAY ? when.length : null,
    rrule: rule && rruleOf(rule, endOf(when, day, at)),
    recurrence: rule,
    is_all_day: false,
  };
}

function repeated(
  when: When,
  rule: Recurrence,
  time: Time | null,
  is_all_day: boolean,
  at: CommandAt,
): Settled | Unclear {
  if (rule.freq === 'MINUTELY') return 'too_often';
  if (needsDay(rule) && when.date?.exact == null) return 'day';
  if (rule.freq === 'WEEKLY' && needsDay(rule) && when.date?.exact != null)
    return repeated(when, { ...rule, weekdays: [weekday(when.date.exact)] }, time, is_all_day, at);
  const { today, minute } = clockAt(at);
  const from = Math.max(when.date?.from ?? today, today);
  if (rule.freq === 'HOURLY' && time === null) {
    const next = (Math.floor(minute / 60) + 1) * 60;
    return settle(when, today, next, { at: next, until: null, is_unsure: false }, at, rule);
  }
  if (time === null && !is_all_day) return 'time';
  const has_passed = time !== null && from === today && time.at <= minute;
  const first = firstDay(rule, has_passed && !needsDay(rule) ? from + 1 : from);
  if (first === null) return 'day';
  if (time !== null) return settle(when, first, time.at, time, at, rule);
  return {
    ...single(dayText(first), null),
    rrule: rruleOf(rule, endOf(when, first, at)),
    recurrence: rule,
    is_all_day: true,
  };
}

/** When a series ends: after so many times, with a day, or so many days after its first. */
function endOf(
  { count, until, length }: When,
  first: number,
  { time_zone }: CommandAt,
): { count: number | null; until: string | null } {
  const last = until ? until.to : length !== null && length >= DAY ? first + Math.round(length / DAY) - 1 : null;
  if (count !== null || last === null) return { count, until: null };
  const instant = toInstant((last + 1) * DAY_MS - 1_000, time_zone);
  return { count: null, until: `${new Date(instant).toISOString().slice(0, 19).replace(/[-:]/gu, '')}Z` };
}
