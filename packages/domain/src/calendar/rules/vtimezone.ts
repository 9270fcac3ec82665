import { dateOf, DAY_MS, monthLength, weekday } from './civil.ts';
import type { JcalComponent, JcalProperty } from './ics-components.ts';
import { WEEKDAYS } from './rule-fields.ts';
import { printLocal, readZone, type Transition } from './zones.ts';

const YEAR_MS = 366 * DAY_MS;
/** So many years on the same day are a rule. */
const REGULAR_YEARS = 3;

/**
 * What a zone's clocks do from 1970 to ten years from `now`, as a VTIMEZONE (RFC 5545 3.6.5): runs of years in which they change on the
 * same weekday of the same month are one observance with a rule, the one that goes on without end; every other change is one by itself.
 * (RDATE would be shorter, but ical.js does not read it here.) None for UTC.
 */
export function vtimezone(time_zone: string, now: number): JcalComponent | null {
  if (time_zone === 'UTC') return null;
  const { offset, transitions } = readZone(time_zone, 0, now + 10 * YEAR_MS);
  const kinds = new Map<string, Transition[]>();
  for (const transition of transitions) {
    const key = `${transition.before}:${transition.after}`;
    kinds.set(key, [...(kinds.get(key) ?? []), transition]);
  }
  const beginning = observance({ at: 0, before: offset, after: offset }, []);
  const end = now + 9 * YEAR_MS;
  const observances = [...kinds.values()].flatMap((changes) => observancesOf(changes, end));
  return ['vtimezone', [['tzid', {}, 'text', time_zone]], [beginning, ...observances]];
}

function observancesOf(changes: Transition[], end: number): JcalComponent[] {
  const components: JcalComponent[] = [];
  for (let from = 0; from < changes.length;) {
    const run = runFrom(changes, from);
    const [first, last] = [changes[from] as Transition, changes[from + run - 1] as Transition];
    if (run < REGULAR_YEARS) {
      components.push(observance(first, []));
      from++;
      continue;
    }
    const goes_on = last.at > end;
    components.push(observance(first, [yearly(changes.slice(from, from + run), goes_on ? null : last.at)]));
    from += run;
  }
  return components;
}

/** How many changes from this one on are a year apart, on the nth or on the last same weekday of a month, at the same time. */
function runFrom(changes: Transition[], from: number): number {
  const first = placeOf(changes[from] as Transition);
  let { is_last } = first;
  let is_nth = true;
  let run = 1;
  for (; from + run < changes.length; run++) {
    const place = placeOf(changes[from + run] as Transition);
    if (place.key !== first.key || place.year !== first.year + run) break;
    const still_nth: boolean = is_nth && place.nth === first.nth;
    const still_last: boolean = is_last && place.is_last;
    if (!still_nth && !still_last) break;
    [is_nth, is_last] = [still_nth, still_last];
  }
  return run;
}

function placeOf(change: Transition) {
  const local = change.at + change.before;
  const days = Math.floor(local / DAY_MS);
  const { year, month, day } = dateOf(days);
  return {
    key: `${month}-${weekday(days)}-${local - days * DAY_MS}`,
    year,
    month,
    weekday: weekday(days),
    nth: Math.ceil(day / 7),
    is_last: day + 7 > monthLength(year, month),
  };
}

function yearly(run: Transition[], until: number | null): JcalProperty {
  const places = run.map(placeOf);
  const [{ month, weekday: of_week, nth }] = places as [ReturnType<typeof placeOf>];
  const n = places.every((place) => place.nth === nth) ? nth : -1;
  const rule = { freq: 'YEARLY', bymonth: month, byday: `${n}${WEEKDAYS[of_week] ?? ''}` };
  return [
    'rrule',
    {},
    'recur',
    until === null ? rule : { ...rule, until: new Date(until).toISOString().slice(0, 19) + 'Z' },
  ];
}

/** DAYLIGHT is what lies east of what was before. */
function observance(change: Transition, rest: JcalProperty[]): JcalComponent {
  const { before, after } = change;
  return [
    after > before ? 'daylight' : 'standard',
    [
      ['dtstart', {}, 'date-time', printLocal(change.at + before, false)],
      utcOffset('tzoffsetfrom', before),
      utcOffset('tzoffsetto', after),
      ...rest,
    ],
    [],
  ];
}

function utcOffset(name: string, ms: number): JcalProperty {
  const seconds = Math.abs(ms) / 1_000;
  const pad = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const text = `${ms < 0 ? '-' : '+'}${pad(seconds / 3_600)}:${pad((seconds / 60) % 60)}`;
  return [name, {}, 'utc-offset', seconds % 60 === 0 ? text : `${text}:${pad(seconds % 60)}`];
}
