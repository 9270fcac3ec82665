import { type JcalComponent, paramOf, propertyOf, textOf } from './ics-components.ts';
import type { IcsReminder } from './ics-types.ts';
import { type IcsTime, readSeconds, readTime } from './ics-times.ts';
import type { ZoneResolver } from './ics-zones.ts';
import type { LocalTime } from './series.ts';
import { parseLocal, toInstant } from './zones.ts';

/** Our own property of a VALARM that is set to a time of day: other programs read the TRIGGER beside it. */
export const X_LOCAL_TIME = 'x-potentia-local-time';
/** And of one that is for some occurrences of a series: from and until which, and which not. */
export const X_OCCURRENCES = 'x-potentia-occurrences';
const MAX_MINUTES_BEFORE = 40_320;
/** Reminders that one person may have on a schedule. */
const MAX_REMINDERS = 20;
/** Occurrences that one of them leaves out. */
const MAX_SKIPS = 500;

type When = Pick<IcsReminder, 'minutes_before' | 'local_time' | 'days_before'>;

/**
 * The alarms of a VEVENT (RFC 5545 3.6.6) that are before the start, by at most four weeks; the number of the others. `recurrence_id`:
 * of the override that it is.
 */
export function readAlarms(
  event: JcalComponent,
  start: IcsTime,
  duration_seconds: number,
  recurrence_id: LocalTime | null,
  zones: ZoneResolver,
): { reminders: IcsReminder[]; left_out: number } {
  const alarms = event[2].filter(([name]) => name === 'valarm');
  const found = new Map<string, IcsReminder>();
  for (const alarm of alarms) {
    const when = readWhen(alarm, start, duration_seconds, zones);
    if (!when || found.size >= MAX_REMINDERS) continue;
    const channel = textOf(alarm, 'action')?.toUpperCase() === 'EMAIL' ? 'email' : 'in_app';
    const key = JSON.stringify([when, textOf(alarm, X_OCCURRENCES)]);
    const channels = [...new Set([...(found.get(key)?.channels ?? []), channel] as const)].sort().reverse();
    found.set(key, {
      ...when,
      channels: channels,
      ...readOccurrences(alarm, recurrence_id),
    });
  }
  const reminders = [...found.values()];
  return { reminders, left_out: alarms.length - reminders.reduce((sum, { channels }) => sum + channels.length, 0) };
}

type Occurrences = Pick<IcsReminder, 'applies_to' | 'recurrence_id' | 'until_recurrence_id' | 'skips'>;

function readOccurrences(alarm: JcalComponent, recurrence_id: LocalTime | null): Occurrences {
  if (recurrence_id !== null) return { applies_to: 'this', recurrence_id, until_recurrence_id: null, skips: [] };
  const [from = '', until = '', ...skips] = (textOf(alarm, X_OCCURRENCES) ?? '')
    .split(' ')
    .map((text) => (LOCAL.test(text) ? text : ''));
  return {
    applies_to: from === '' ? 'all' : 'following',
    recurrence_id: from === '' ? null : from,
    until_recurrence_id: until === '' ? null : until,
    skips: skips.filter((text) => text !== '').slice(0, MAX_SKIPS),
  };
}

const LOCAL = /^(19\d\d|20\d\d|2100)-\d\d-\d\d(T\d\d:\d\d:\d\d)?$/;

function readWhen(alarm: JcalComponent, start: IcsTime, duration_seconds: number, zones: ZoneResolver): When | null {
  const own = /^([0-2]\d:[0-5]\d:[0-5]\d);(\d{1,2})$/.exec(textOf(alarm, X_LOCAL_TIME) ?? '');
  if (own) return { minutes_before: null, local_time: own[1] as string, days_before: Number(own[2]) };
  const trigger = propertyOf(alarm, 'trigger');
  if (!trigger) return null;
  try {
    const seconds = trigger[2] === 'date-time' ? untilTrigger(trigger[3], start) : readSeconds(trigger[3]);
    const from_end = paramOf(trigger, 'related')?.toUpperCase() === 'END' ? duration_seconds : 0;
    const minutes_before = -Math.floor((seconds + from_end) / 60);
    if (minutes_before < 0 || minutes_before > MAX_MINUTES_BEFORE) return null;
    return { minutes_before: minutes_before + 0, local_time: null, days_before: null };
  } catch {
    return null;
  }

  function untilTrigger(value: unknown, { local, time_zone }: IcsTime): number {
    const at = readTime(['trigger', {}, 'date-time', value], value, zones);
    const instant = toInstant(parseLocal(at.local), at.time_zone ?? time_zone ?? 'UTC');
    return (instant - toInstant(parseLocal(local), time_zone ?? 'UTC')) / 1_000;
  }
}
