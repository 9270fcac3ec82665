import { anyOf, type DayPart, PARTS } from '../../chat/rules/date-words.ts';

/** Minutes of a day. */
export const HOUR = 60;
export const DAY = 24 * HOUR;

/** What a part of a day is when no time is said, and where it begins and ends. Minutes from midnight. */
export const PART_TIMES: Readonly<Record<DayPart, { at: number; from: number; to: number }>> = {
  dawn: { at: 5 * HOUR, from: 4 * HOUR, to: 6 * HOUR },
  morning: { at: 9 * HOUR, from: 6 * HOUR, to: 12 * HOUR },
  noon: { at: 12 * HOUR, from: 12 * HOUR, to: 13 * HOUR },
  midday: { at: 13 * HOUR, from: 11 * HOUR, to: 15 * HOUR },
  afternoon: { at: 15 * HOUR, from: 12 * HOUR, to: 18 * HOUR },
  late_afternoon: { at: 16 * HOUR, from: 15 * HOUR, to: 19 * HOUR },
  evening: { at: 19 * HOUR, from: 17 * HOUR, to: 22 * HOUR },
  night: { at: 20 * HOUR, from: 18 * HOUR, to: 24 * HOUR },
};

const HOURS: Readonly<Record<string, number>> = {
  ...{
    one: 1,
    two: 2,
    three: 3,
    four: 4,
    five: 5,
    six: 6,
    seven: 7,
    eight: 8,
    nine: 9,
    ten: 10,
    eleven: 11,
    twelve: 12,
  },
  ...{
    satu: 1,
    dua: 2,
    tiga: 3,
    empat: 4,
    lima: 5,
    enam: 6,
    tujuh: 7,
    delapan: 8,
    sembilan: 9,
    sepuluh: 10,
    sebelas: 11,
  },
  ...{ 'dua belas': 12 },
};

export const HOUR_WORDS = anyOf(Object.keys(HOURS));
export const PART_WORDS = anyOf(Object.keys(PARTS));

/** A time as it was said: what it is depends on the day that it belongs to. */
export interface Clock {
  hour: number;
  minute: number;
  meridiem: 'am' | 'pm' | null;
  part: DayPart | null;
  /** `15:30` and `08:00` mean what they say; `8` may be in the evening. */
  is_literal: boolean;
}

export function hourOf(text: string): number {
  const said = text.toLowerCase().replace(/\s+/gu, ' ').trim();
  return /^\d+$/u.test(said) ? Number(said) : (HOURS[said] ?? NaN);
}

/** Minutes from midnight, beyond a day for what is said of its night (`jam 12 malam`), and whether the other half of the day is as likely. */
export function minutesOf(clock: Clock, is_early: boolean): { at: number; is_unsure: boolean } {
  const { hour, minute, meridiem, part } = clock;
  const sure = (h: number) => ({ at: h * HOUR + minute, is_unsure: false });
  if (meridiem === 'am') return sure(hour % 12);
  if (meridiem === 'pm') return sure((hour % 12) + 12);
  if (clock.is_literal || hour > 12 || hour === 0) return sure(hour);
  switch (part) {
    case 'dawn':
    case 'morning':
      return sure(hour % 12);
    case 'noon':
    case 'midday':
      return sure(hour < 5 ? hour + 12 : hour);
    case 'afternoon':
    case 'late_afternoon':
      return sure(hour === 12 ? 12 : hour + 12);
    case 'evening':
    case 'night':
      // Twelve at night, and one to four, belong to the night that began on the day.
      return sure(hour === 12 ? 24 : hour < 5 ? hour + 24 : hour + 12);
    case null:
      return { at: (hour < 7 && !is_early ? hour + 12 : hour) * HOUR + minute, is_unsure: !is_early };
  }
}
