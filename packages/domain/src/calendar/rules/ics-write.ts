import ICAL from 'ical.js';
import { X_LOCAL_TIME, X_OCCURRENCES } from './ics-alarms.ts';
import type { JcalComponent, JcalProperty } from './ics-components.ts';
import { meansCancelled, X_FOLLOWING, X_IS_CANCELLED } from './ics-content.ts';
import { appliesTo } from './reminder-times.ts';
import { effectiveResponse } from './responses.ts';
import type { IcsGuest, IcsOverride, IcsReminder, IcsSchedule } from './ics-types.ts';
import type { LocalTime } from './series.ts';
import { unchangedOccurrence } from './unchanged-occurrence.ts';

export const PRODUCT = '-//Potentia//Calendar//EN';
/** How often a program should ask for a feed anew (RFC 7986 5.7). */
const REFRESH = 'PT15M';

/** What an export has beside what an import takes. */
export interface WrittenSchedule extends IcsSchedule {
  sequence: number;
  /** ISO 8601, UTC. */
  created_at: string;
  updated_at: string;
  organiser: { email: string; name: string | null } | null;
}

export interface WrittenCalendar {
  name: string;
  description: string | null;
  time_zone: string;
  color: string | null;
}

/** A VCALENDAR (RFC 7265 for jCal) of these properties and components; of an iTIP message (RFC 5546) with its method. */
export const vcalendar = (properties: JcalProperty[], components: JcalComponent[]): JcalComponent => [
  'vcalendar',
  [text('version', '2.0'), text('prodid', PRODUCT), text('calscale', 'GREGORIAN'), ...properties],
  components,
];

/** The text of a component, folded and escaped (RFC 5545 3.1). */
export const printComponent = (component: JcalComponent): string => ICAL.stringify(component);

export const printSchedule = (schedule: WrittenSchedule): string =>
  writeSchedule(schedule).map(printComponent).join('');

const END = 'END:VCALENDAR\r\n';

/** What stands before the schedules of a calendar, and after them. `timezones`: VTIMEZONEs of the zones that they name. */
export function frameCalendar(calendar: WrittenCalendar, timezones: JcalComponent[]): { begin: string; end: string } {
  const properties: JcalProperty[] = [
    text('name', calendar.name),
    unknown('x-wr-calname', calendar.name),
    unknown('x-wr-timezone', calendar.time_zone),
    ['refresh-interval', {}, 'duration', REFRESH],
    unknown('x-published-ttl', REFRESH),
  ];
  if (calendar.description !== null) properties.push(text('description', calendar.description));
  if (calendar.color !== null) properties.push(unknown('x-apple-calendar-color', calendar.color));
  const whole = printComponent(vcalendar(properties, timezones));
  return { begin: whole.slice(0, -END.length), end: END };
}

/** The VEVENT of a schedule, then those of its overrides. */
export function writeSchedule(schedule: WrittenSchedule): JcalComponent[] {
  const { rrule, rdates, exdates } = schedule;
  const recurrence: JcalProperty[] = [];
  if (rrule !== null) recurrence.push(['rrule', {}, 'recur', ICAL.Recur.fromString(rrule).toJSON()]);
  if (rdates.length > 0) recurrence.push(times(schedule, 'rdate', rdates));
  if (exdates.length > 0) recurrence.push(times(schedule, 'exdate', exdates));
  const alarms = (recurrence_id: LocalTime | null) =>
    schedule.reminders
      .filter((each) => (recurrence_id === null ? each.applies_to !== 'this' : appliesTo(each, recurrence_id)))
      .flatMap(writeAlarm);
  const { starts_local, duration_seconds, status } = schedule;
  const master: JcalComponent = [
    'vevent',
    [
      ...common(schedule, { starts_local, duration_seconds, status }),
      ...recurrence,
      ...content(schedule),
      ...kept(schedule),
    ],
    alarms(null),
  ];
  const overrides = [...schedule.overrides, ...named(schedule)].map((override): JcalComponent => {
    const merged = merge(schedule, override);
    const properties = [...common(merged, merged), times(schedule, 'recurrence-id', [override.recurrence_id])];
    if (override.is_cancelled !== meansCancelled(merged.status, schedule.status))
      properties.push(unknown(X_IS_CANCELLED, override.is_cancelled ? 'TRUE' : 'FALSE'));
    // An override stands for itself: what it does not say, it has not.
    return ['vevent', [...properties, ...content(merged), ...kept(merged)], alarms(override.recurrence_id)];
  });
  return [master, ...overrides];
}

/** Occurrences that differ in nothing but in what somebody has answered to them, or is reminded of. */
function named({ guests, overrides, reminders }: WrittenSchedule): IcsOverride[] {
  const known = new Set(overrides.map(({ recurrence_id }) => recurrence_id));
  const rows = [...guests.flatMap(({ responses }) => responses), ...reminders];
  const ids = rows.flatMap(({ recurrence_id, applies_to }) => (applies_to === 'this' ? (recurrence_id ?? []) : []));
  return [...new Set(ids)]
    .filter((id) => !known.has(id))
    .sort()
    .map(unchangedOccurrence);
}

function merge(schedule: WrittenSchedule, override: IcsOverride): WrittenSchedule {
  return {
    ...schedule,
    starts_local: override.starts_local ?? override.recurrence_id,
    duration_seconds: override.duration_seconds ?? schedule.duration_seconds,
    title: override.title ?? schedule.title,
    description: override.description ?? schedule.description,
    location: override.location ?? schedule.location,
    url: override.url ?? schedule.url,
    status: override.is_cancelled ? 'cancelled' : (override.status ?? schedule.status),
    transparency: override.transparency ?? schedule.transparency,
    ics_properties: override.ics_properties ?? schedule.ics_properties,
    guests: schedule.guests.map((guest) => ({
      ...guest,
      response: effectiveResponse(guest, guest.responses, override.recurrence_id),
      responses: [],
    })),
  };
}

function common(
  schedule: WrittenSchedule,
  { starts_local, duration_seconds, status }: Pick<WrittenSchedule, 'starts_local' | 'duration_seconds' | 'status'>,
): JcalProperty[] {
  const duration = ICAL.Duration.fromSeconds(duration_seconds).toString();
  return [
    text('uid', schedule.uid),
    ['dtstamp', {}, 'date-time', schedule.updated_at.slice(0, 19) + 'Z'],
    ['created', {}, 'date-time', schedule.created_at.slice(0, 19) + 'Z'],
    ['last-modified', {}, 'date-time', schedule.updated_at.slice(0, 19) + 'Z'],
    ['sequence', {}, 'integer', schedule.sequence],
    times(schedule, 'dtstart', [starts_local]),
    ['duration', {}, 'duration', duration],
    text('status', status.toUpperCase()),
  ];
}

function content(schedule: WrittenSchedule): JcalProperty[] {
  const properties: JcalProperty[] = [text('summary', schedule.title)];
  if (schedule.description) properties.push(text('description', schedule.description));
  if (schedule.location) properties.push(text('location', schedule.location));
  if (schedule.url) properties.push(['url', {}, 'uri', schedule.url]);
  if (schedule.color) properties.push(unknown('x-potentia-color', schedule.color));
  properties.push(text('transp', schedule.transparency.toUpperCase()));
  if (schedule.visibility === 'private') properties.push(text('class', 'PRIVATE'));
  if (schedule.organiser && schedule.guests.length > 0) {
    const { email, name } = schedule.organiser;
    properties.push(['organizer', name === null ? {} : { cn: name }, 'cal-address', `mailto:${email}`]);
  }
  return [...properties, ...schedule.guests.map(attendee)];
}

/** What came with an import and has no column; an organiser of ours goes before the one that it names. */
function kept({ ics_properties, organiser, guests }: WrittenSchedule): JcalProperty[] {
  const ours = organiser !== null && guests.length > 0;
  return (ics_properties ?? []).filter(([name]) => !(ours && name === 'organizer'));
}

const PARTSTAT = { needs_action: 'NEEDS-ACTION', accepted: 'ACCEPTED', declined: 'DECLINED', tentative: 'TENTATIVE' };

export function attendee({ email, name, is_optional, response, responses }: IcsGuest): JcalProperty {
  const following = responses.filter(({ applies_to }) => applies_to === 'following');
  const params = {
    ...(name !== null && { cn: name }),
    role: is_optional ? 'OPT-PARTICIPANT' : 'REQ-PARTICIPANT',
    partstat: PARTSTAT[response],
    rsvp: 'TRUE',
    ...(following.length > 0 && {
      [X_FOLLOWING]: following.map((each) => `${each.recurrence_id}=${PARTSTAT[each.response]}`).join(' '),
    }),
  };
  return ['attendee', params, 'cal-address', `mailto:${email}`];
}

function times(
  { time_zone, is_all_day }: Pick<WrittenSchedule, 'time_zone' | 'is_all_day'>,
  name: string,
  locals: LocalTime[],
): JcalProperty {
  if (is_all_day) return [name, {}, 'date', ...locals.map((local) => local.slice(0, 10))];
  if (time_zone === 'UTC') return [name, {}, 'date-time', ...locals.map((local) => `${local}Z`)];
  return [name, time_zone === null ? {} : { tzid: time_zone }, 'date-time', ...locals];
}

/** One for each channel. */
function writeAlarm(reminder: IcsReminder): JcalComponent[] {
  const { minutes_before, local_time, days_before, channels, applies_to, recurrence_id, until_recurrence_id, skips } =
    reminder;
  // Of one at a time of day, what programs that do not know ours make of it: about then.
  const seconds = minutes_before === null ? -(days_before ?? 0) * 86_400 : -minutes_before * 60;
  const from = applies_to === 'following' ? recurrence_id : null;
  return channels.map((channel) => {
    const properties: JcalProperty[] = [
      text('action', channel === 'email' ? 'EMAIL' : 'DISPLAY'),
      text('description', 'Reminder'),
      ['trigger', {}, 'duration', ICAL.Duration.fromSeconds(seconds).toString()],
    ];
    if (local_time !== null) properties.push(unknown(X_LOCAL_TIME, `${local_time};${days_before ?? 0}`));
    if (from !== null || until_recurrence_id !== null || skips.length > 0)
      properties.push(unknown(X_OCCURRENCES, [from ?? '-', until_recurrence_id ?? '-', ...skips].join(' ')));
    return ['valarm', properties, []];
  });
}

const text = (name: string, value: string): JcalProperty => [name, {}, 'text', value];
const unknown = (name: string, value: string): JcalProperty => [name, {}, 'unknown', value];
