import { dateOf, dayOf, weekday } from './civil.ts';
import type { DaySets } from './day-sets.ts';
import { DAILY, MONTHLY, type RuleFields, WEEKLY, YEARLY } from './rule-fields.ts';

/** The periods of a rule that count, from 0: every INTERVAL-th from the one that the start is in. */
export interface Periods {
  /** The first day of a period. */
  first(at: number): number;
  /** The last period that begins on this day or before it. */
  indexOf(day: number): number;
  /** The one to look at after a period in which no day is. */
  after(at: number, sets: DaySets): number;
}

/** The periods of YEARLY, MONTHLY, WEEKLY and DAILY. */
export function periodsOf({ freq, interval, wkst }: RuleFields, first_day: number): Periods {
  if (freq === DAILY) {
    return {
      first: (at) => first_day + at * interval,
      indexOf: (day) => Math.floor((day - first_day) / interval),
      after: (at, sets) => Math.ceil((sets.leap(first_day + at * interval) - first_day) / interval),
    };
  }
  if (freq === WEEKLY) {
    const origin = first_day - ((weekday(first_day) - wkst + 7) % 7);
    const length = interval * 7;
    return {
      first: (at) => origin + at * length,
      indexOf: (day) => Math.floor((day - origin) / length),
      after: (at) => at + 1,
    };
  }
  const { year, month } = dateOf(first_day);
  const origin = freq === MONTHLY ? year * 12 + month - 1 : year * 12;
  const length = freq === MONTHLY ? interval : interval * 12;
  return {
    first: (at) => dayOf(Math.floor((origin + at * length) / 12), ((origin + at * length) % 12) + 1, 1),
    indexOf(day) {
      const date = dateOf(day);
      return Math.floor((date.year * 12 + date.month - 1 - origin) / length);
    },
    after: (at) => at + 1,
  };
}

/** Puts the days of the period that begins on a day into `days`, ascending, from its beginning; how many there are. */
export function collectDays(freq: number, sets: DaySets, first: number, days: number[]): number {
  if (freq === DAILY) {
    days[0] = first;
    return sets.has_all || sets.has(first) ? 1 : 0;
  }
  if (freq === WEEKLY) return collectWeek(sets, first, days);
  const { year, month } = dateOf(first);
  if (freq !== YEARLY) return collectBits(sets.ofMonth(year, month), first, days, 0);
  let size = 0;
  for (let each = 1; each <= 12; each++) {
    const mask = sets.ofMonth(year, each);
    if (mask !== 0) size = collectBits(mask, dayOf(year, each, 1), days, size);
  }
  return size;
}

function collectWeek(sets: DaySets, first: number, days: number[]): number {
  const first_weekday = weekday(first);
  const wanted = sets.weekdays === 0 ? 127 : sets.weekdays;
  let size = 0;
  for (let at = 0; at < 7; at++) {
    if (((wanted >> ((first_weekday + at) % 7)) & 1) === 0) continue;
    if (sets.is_of_weekdays || sets.has(first + at)) days[size++] = first + at;
  }
  return size;
}

function collectBits(mask: number, first: number, days: number[], size: number): number {
  let rest = mask;
  while (rest !== 0) {
    const bit = rest & -rest;
    days[size++] = first + 31 - Math.clz32(bit);
    rest ^= bit;
  }
  return size;
}
