import {
  type IcsComponent,
  type JcalComponent,
  propertiesOf,
  propertyOf,
  readComponents,
  textOf,
} from './ics-components.ts';
import { readAlarms } from './ics-alarms.ts';
import { readContent, type IcsContent, meansCancelled, X_IS_CANCELLED } from './ics-content.ts';
import { fitDuration, type IcsTime, IcsRefused, inZoneOf, readDuration, readSeconds, readTime } from './ics-times.ts';
import type { IcsFile, IcsOverride, IcsProblem, IcsReminder, IcsSchedule } from './ics-types.ts';
import { createZoneResolver, type ZoneResolver } from './ics-zones.ts';
import { appliesTo } from './reminder-times.ts';
import { effectiveResponse } from './responses.ts';
import { readRule } from './ics-rule.ts';
import type { LocalTime } from './series.ts';
import { unchangedOccurrence } from './unchanged-occurrence.ts';

/** VEVENTs that one file may have. */
export const MAX_EVENTS = 5_000;
const MAX_OVERRIDES = 1_000;
/** Of one event: what a schedule has at most. */
const MAX_DATES = { rdate: 1_000, exdate: 5_000 };
const MAX_PROBLEMS = 500;

interface ReadEvent extends IcsContent {
  component: IcsComponent;
  event: JcalComponent;
  uid: string;
  start: IcsTime;
  duration_seconds: number;
}

/**
 * What a file of iCalendar (RFC 5545) says in VEVENTs. A part that cannot be taken over is named in `problems`, and takes
 * nothing else along. `time_zone`: of the calendar that it is for, tried first for a zone that is known by its offsets alone.
 * Throws IcsRefused for what is no iCalendar at all, or too much of it.
 */
export function readIcs(text: string, time_zone: string): IcsFile {
  if (!/^\s*\uFEFF?\s*BEGIN:VCALENDAR\s*$/im.test(text.slice(0, 10_000)))
    throw new IcsRefused('ics.not_a_calendar', 'This is no iCalendar: there is no BEGIN:VCALENDAR');
  const problems: IcsProblem[] = [];
  const report = (
    component: IcsComponent,
    uid: string | null,
    error: { code: string; message: string },
    skipped = true,
  ) => {
    const { code, message } = error;
    if (problems.length < MAX_PROBLEMS) problems.push({ uid, line: component.line, code, message, skipped });
  };
  const components = [...readComponents(text)];
  const timezones = components.flatMap(({ name, jcal }) => (name === 'vtimezone' && jcal ? [jcal] : []));
  const zones = createZoneResolver(timezones, [time_zone]);
  const events = components.filter(({ name }) => name === 'vevent');
  if (events.length > MAX_EVENTS)
    throw new IcsRefused('ics.too_many', `It has ${events.length} events; at most ${MAX_EVENTS} are taken at a time`);

  const series = new Map<string, { master: ReadEvent | null; overrides: ReadEvent[] }>();
  for (const component of events) {
    const read = attempt(
      () => readEvent(component, zones),
      (error) => report(component, uidOf(component), error),
    );
    if (!read) continue;
    const group = series.get(read.uid) ?? { master: null, overrides: [] };
    series.set(read.uid, group);
    if (propertyOf(read.event, 'recurrence-id')) group.overrides.push(read);
    else if (group.master === null) group.master = read;
    else report(component, read.uid, { code: 'ics.uid_twice', message: 'Another event of the file has the same UID' });
  }
  const schedules = [...series.values()].flatMap(({ master, overrides }) => {
    const [first] = overrides;
    const base = master ?? first;
    if (!base) return [];
    // An invitation to one occurrence alone: it is all that there is of the series here.
    const rest = master ? overrides : [];
    const read = attempt(
      () => readSchedule(base, rest, zones, report),
      (error) => report(base.component, base.uid, error),
    );
    return read ? [read] : [];
  });
  return { name: nameOf(text), schedules, problems };
}

type Report = (
  component: IcsComponent,
  uid: string | null,
  error: { code: string; message: string },
  skipped?: boolean,
) => void;

function attempt<T>(fn: () => T, refused: (error: IcsRefused) => void): T | null {
  try {
    return fn();
  } catch (error) {
    if (!(error instanceof IcsRefused)) throw error;
    refused(error);
    return null;
  }
}

const uidOf = ({ jcal }: IcsComponent): string | null => (jcal ? (textOf(jcal, 'uid')?.slice(0, 255) ?? null) : null);

const nameOf = (text: string): string | null =>
  /^X-WR-CALNAME[^:\r\n]*:([^\r\n]{1,200})/im
    .exec(text)?.[1]
    ?.replace(/\\([,;\\])/g, '$1')
    .trim() ?? null;

function readEvent(component: IcsComponent, zones: ZoneResolver): ReadEvent {
  const event = component.jcal;
  if (!event) throw new IcsRefused('ics.unreadable', `It cannot be read: ${component.problem ?? ''}`);
  const dtstart = propertyOf(event, 'dtstart');
  if (!dtstart) throw new IcsRefused('ics.no_start', 'It has no DTSTART');
  const start = readTime(dtstart, dtstart[3], zones);
  const uid = textOf(event, 'uid')?.toWellFormed().replaceAll('\0', '').trim() ?? '';
  if (uid.length > 255) throw new IcsRefused('ics.uid_too_long', 'Its UID is longer than 255 characters');
  const content = readContent(event);
  return {
    ...content,
    component,
    event,
    // Without a UID, what it says is what it is: the same file again is the same schedule.
    uid: uid === '' ? `${start.local}-${content.title}`.slice(0, 200) : uid,
    start,
    duration_seconds: readDuration(event, start, zones),
  };
}

function readSchedule(master: ReadEvent, overrides: ReadEvent[], zones: ZoneResolver, report: Report): IcsSchedule {
  const { component, event, start, duration_seconds, uid } = master;
  const say = (from: ReadEvent, code: string, message: string) => report(from.component, uid, { code, message }, false);
  if (component.has_exrule)
    throw new IcsRefused('ics.exrule', 'EXRULE is no longer part of iCalendar, and is not supported');
  if (component.rrules.length > 1) throw new IcsRefused('ics.rules', 'It has more than one RRULE');
  const zone = { time_zone: start.time_zone, is_all_day: start.is_date };
  const rrule =
    component.rrules[0] === undefined ? null : readRule(component.rrules[0], { ...zone, starts_local: start.local });
  const periods: IcsOverride[] = [];
  const rdates = dates(event, 'rdate', (time, value) => {
    const recurrence_id = inZoneOf(zone, time);
    if (Array.isArray(value) && String(value[1]).includes('P'))
      periods.push({
        ...unchangedOccurrence(recurrence_id),
        duration_seconds: fitDuration(readSeconds(value[1]), zone.is_all_day),
      });
    return recurrence_id;
  });
  const exdates = dates(event, 'exdate', (time) => dateOfSeries(time));
  const { reminders, left_out } = readAlarms(event, start, duration_seconds, null, zones);
  const read = { reminders, left_out, overrides: new Map(periods.map((each) => [each.recurrence_id, each])) };
  for (const each of overrides.slice(0, MAX_OVERRIDES)) {
    attempt(
      () => addOverride(each),
      (error) => say(each, error.code, error.message),
    );
  }
  if (overrides.length > MAX_OVERRIDES)
    say(master, 'ics.overrides', `Only ${MAX_OVERRIDES} changed occurrences are kept`);
  if (read.left_out > 0) say(master, 'ics.alarms', `${read.left_out} alarms are not before the start, or too many`);
  for (const field of master.cut) say(master, 'ics.cut', `Its ${field} was too long and was cut`);
  if (master.dropped > 0) say(master, 'ics.dropped', `${master.dropped} properties were too large to keep`);

  const { title, description, location, url, color, status, transparency, visibility, guests, ics_properties } = master;
  return {
    ...{ uid, starts_local: start.local, ...zone, duration_seconds, rrule, rdates, exdates },
    ...{ title, description, location, url, color, status, transparency, visibility, guests, ics_properties },
    overrides: [...read.overrides.values()],
    reminders: read.reminders,
  };

  function dates(
    from: JcalComponent,
    name: keyof typeof MAX_DATES,
    map: (time: IcsTime, value: unknown) => LocalTime,
  ): LocalTime[] {
    const values = propertiesOf(from, name).flatMap((property) =>
      property.slice(3).map((value) => map(readTime(property, value, zones), value)),
    );
    const distinct = [...new Set(values)];
    const max = MAX_DATES[name];
    if (distinct.length > max)
      throw new IcsRefused(
        'ics.too_many_dates',
        `It has ${distinct.length} dates of ${name.toUpperCase()}; ${max} are taken`,
      );
    return distinct.sort();
  }

  /** A date that excludes from a series with times means the occurrence of that day; programs write it so. */
  function dateOfSeries(time: IcsTime): LocalTime {
    return time.is_date && !zone.is_all_day ? `${time.local}T${start.local.slice(11)}` : inZoneOf(zone, time);
  }

  function addOverride(from: ReadEvent): void {
    const property = propertyOf(from.event, 'recurrence-id');
    if (!property) return;
    if (property[1]['range'] !== undefined) throw new IcsRefused('ics.range', 'RANGE=THISANDFUTURE is not supported');
    const recurrence_id = dateOfSeries(readTime(property, property[3], zones));
    if (zone.is_all_day && !from.start.is_date)
      throw new IcsRefused('ics.override_timed', 'An occurrence of an all-day event that has a time is not supported');
    const override = differing(master, from, recurrence_id, inZoneOf(zone, from.start));
    if (Object.entries(override).some(([name, value]) => name !== 'recurrence_id' && value !== null && value !== false))
      read.overrides.set(recurrence_id, override);
    for (const guest of master.guests) {
      const answer = from.guests.find(({ email }) => email === guest.email);
      if (answer && answer.response !== effectiveResponse(guest, guest.responses, recurrence_id))
        guest.responses.push({ recurrence_id, applies_to: 'this', response: answer.response });
    }
    const alarms = readAlarms(from.event, from.start, from.duration_seconds, recurrence_id, zones);
    const inherited = new Set(reminders.filter((each) => appliesTo(each, recurrence_id)).map(whenOf));
    read.reminders.push(...alarms.reminders.filter((each) => !inherited.has(whenOf(each))));
    read.left_out += alarms.left_out;
  }
}

const whenOf = ({ minutes_before, local_time, days_before, channels }: IcsReminder): string =>
  JSON.stringify([minutes_before, local_time, days_before, channels]);

/** What of an override is not as the series has it. An empty text: the occurrence has none, though the series has. */
function differing(master: ReadEvent, from: ReadEvent, recurrence_id: LocalTime, starts_local: LocalTime): IcsOverride {
  const text = (field: 'description' | 'location' | 'url') =>
    (from[field] ?? '') === (master[field] ?? '') ? null : (from[field] ?? '');
  const said = textOf(from.event, X_IS_CANCELLED);
  const is_cancelled = said === null ? meansCancelled(from.status, master.status) : said === 'TRUE';
  return {
    recurrence_id,
    is_cancelled,
    starts_local: starts_local === recurrence_id ? null : starts_local,
    duration_seconds: from.duration_seconds === master.duration_seconds ? null : from.duration_seconds,
    title: from.title === master.title ? null : from.title,
    description: text('description'),
    location: text('location'),
    url: text('url'),
    status: is_cancelled || from.status === master.status ? null : from.status,
    transparency: from.transparency === master.transparency ? null : from.transparency,
    ics_properties:
      JSON.stringify(from.ics_properties) === JSON.stringify(master.ics_properties) ? null : from.ics_properties,
  };
}
