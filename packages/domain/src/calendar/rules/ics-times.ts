import ICAL from 'ical.js';
import { type JcalComponent, type JcalProperty, paramOf, propertyOf } from './ics-components.ts';
import type { ZoneResolver } from './ics-zones.ts';
import type { LocalTime } from './series.ts';
import { parseLocal, printLocal, toInstant, toLocal } from './zones.ts';

export const DAY_SECONDS = 86_400;
export const MAX_DURATION_SECONDS = 366 * DAY_SECONDS;

/** A DATE or DATE-TIME of a file. */
export interface IcsTime {
  local: LocalTime;
  /** Null: floating, or a date. */
  time_zone: string | null;
  is_date: boolean;
}

/** What cannot be taken over; the message is for whoever imports. */
export class IcsRefused extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** One value of a DTSTART, EXDATE, …: a period counts by its start. Throws IcsRefused. */
export function readTime(property: JcalProperty, value: unknown, zones: ZoneResolver): IcsTime {
  const text = String(Array.isArray(value) ? value[0] : value);
  const tzid = paramOf(property, 'tzid');
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ?)?$/.test(text)) throw noTime(text);
  const is_date = !text.includes('T');
  const local = inYears(wallClockOf(text, is_date));
  if (is_date) return { local, time_zone: null, is_date };
  if (text.endsWith('Z')) return { local, time_zone: 'UTC', is_date: false };
  if (tzid === null) return { local, time_zone: null, is_date: false };
  const time_zone = zones(tzid);
  if (time_zone === null)
    throw new IcsRefused('ics.zone_unknown', `Nothing says what zone this is: ${tzid.slice(0, 80)}`);
  return { local, time_zone, is_date: false };
}

const noTime = (text: string): IcsRefused =>
  new IcsRefused('ics.time_invalid', `Not a time between 1900 and 2100: ${text.slice(0, 40)}`);

/** Of a day that there is. A leap second is the second after it. */
function wallClockOf(text: string, is_date: boolean): LocalTime {
  const is_leap = text.slice(17, 19) === '60';
  try {
    const ms = parseLocal(is_leap ? `${text.slice(0, 17)}59` : text.slice(0, 19));
    return printLocal(is_leap ? ms + 1_000 : ms, is_date);
  } catch {
    throw noTime(text);
  }
}

/** Throws IcsRefused for a local time that a schedule does not have. */
function inYears(local: LocalTime): LocalTime {
  if (!/^(19\d\d|20\d\d|2100)-/.test(local)) throw noTime(local);
  return local;
}

/** The same moment on the wall clock of a series: `time_zone` null and all-day ones take the clock as it is. Throws IcsRefused. */
export function inZoneOf(series: { time_zone: string | null; is_all_day: boolean }, time: IcsTime): LocalTime {
  if (series.is_all_day) return time.local.slice(0, 10);
  const local = time.is_date ? `${time.local}T00:00:00` : time.local;
  if (time.time_zone === series.time_zone || time.time_zone === null || series.time_zone === null) return local;
  return inYears(printLocal(toLocal(toInstant(parseLocal(local), time.time_zone), series.time_zone), false));
}

/** Seconds from `start` to what DTEND or DURATION says (RFC 5545 3.6.1). Throws IcsRefused. */
export function readDuration(component: JcalComponent, start: IcsTime, zones: ZoneResolver): number {
  return fitDuration(durationOf(component, start, zones), start.is_date);
}

/** A length that a schedule can have: all day of whole days, and none before its start. Throws IcsRefused. */
export function fitDuration(seconds: number, is_all_day: boolean): number {
  if (seconds > MAX_DURATION_SECONDS) throw new IcsRefused('ics.too_long', 'It lasts longer than 366 days');
  if (!is_all_day) return Math.max(seconds, 0);
  return Math.max(Math.round(seconds / DAY_SECONDS), 1) * DAY_SECONDS;
}

function durationOf(component: JcalComponent, start: IcsTime, zones: ZoneResolver): number {
  const dtend = propertyOf(component, 'dtend');
  if (dtend) {
    const end = readTime(dtend, dtend[3], zones);
    return (instantOf(end, start.time_zone) - instantOf(start, end.time_zone)) / 1_000;
  }
  const duration = propertyOf(component, 'duration');
  return duration ? readSeconds(duration[3]) : 0;
}

/** Where one of two has no zone, it is taken to be in that of the other. */
function instantOf(time: IcsTime, other_zone: string | null): number {
  const local = parseLocal(time.local);
  const zone = time.time_zone ?? (time.is_date ? null : other_zone);
  return zone === null ? local : toInstant(local, zone);
}

/** A DURATION, or a TRIGGER that is one, in seconds. Throws IcsRefused. */
export function readSeconds(value: unknown): number {
  try {
    return ICAL.Duration.fromString(String(value)).toSeconds();
  } catch {
    throw new IcsRefused('ics.duration_invalid', `Not a duration: ${String(value).slice(0, 40)}`);
  }
}
