import { type JcalComponent, type JcalProperty, paramOf, propertiesOf, propertyOf, textOf } from './ics-components.ts';
import type { GuestResponse, OccurrenceResponse } from './responses.ts';
import type { IcsGuest, IcsStatus } from './ics-types.ts';

/** Our own parameter of an ATTENDEE: answers from some occurrence on, as `2026-03-01T09:00:00=DECLINED`. */
export const X_FOLLOWING = 'x-potentia-following';
/** Of an occurrence: iCalendar has one word for one that does not take place and one that is shown as cancelled. */
export const X_IS_CANCELLED = 'x-potentia-is-cancelled';

/** Characters that a column holds. */
export const LIMITS = { title: 500, description: 20_000, location: 500, url: 2_000 } as const;
const MAX_GUESTS = 200;
/** Bytes of JSON for the properties that we have no column for. */
const MAX_KEPT = 16_384;

/** What a VEVENT says beside its times. */
export interface IcsContent {
  title: string;
  description: string | null;
  location: string | null;
  url: string | null;
  color: string | null;
  status: IcsStatus;
  transparency: 'opaque' | 'transparent';
  visibility: 'default' | 'private';
  guests: IcsGuest[];
  ics_properties: JcalProperty[] | null;
  /** Fields whose text was too long and was cut. */
  cut: string[];
  /** Properties that were not kept. */
  dropped: number;
}

/** What a column, or the writer itself, stands for; everything else is kept as it is. */
const KNOWN = new Set(
  (
    'uid dtstart dtend duration rrule exrule rdate exdate recurrence-id summary description location url color status transp class ' +
    'attendee organizer sequence dtstamp created last-modified request-status attach x-potentia-color x-potentia-is-cancelled'
  ).split(' '),
);

export function readContent(event: JcalComponent): IcsContent {
  const cut: string[] = [];
  const text = (name: string, field: keyof typeof LIMITS): string | null => {
    const value = textOf(event, name);
    if (value === null) return null;
    // NUL and half a pair are nothing that Postgres stores.
    const clean = value.toWellFormed().replaceAll('\0', '');
    if (clean.length > LIMITS[field]) cut.push(field);
    return clean.slice(0, LIMITS[field]).toWellFormed();
  };
  const kept = keep(event);
  const color = textOf(event, 'x-potentia-color')?.toLowerCase() ?? null;
  return {
    title: text('summary', 'title') ?? '',
    description: text('description', 'description'),
    location: text('location', 'location'),
    url: text('url', 'url'),
    color: color !== null && /^#[0-9a-f]{6}$/.test(color) ? color : null,
    status: oneOf(textOf(event, 'status'), ['tentative', 'cancelled']) ?? 'confirmed',
    transparency: oneOf(textOf(event, 'transp'), ['transparent']) ?? 'opaque',
    visibility: oneOf(textOf(event, 'class'), ['private', 'confidential']) === null ? 'default' : 'private',
    guests: readGuests(event),
    ...kept,
    cut,
  };
}

function oneOf<T extends string>(text: string | null, values: T[]): T | null {
  return values.find((value) => value === text?.trim().toLowerCase()) ?? null;
}

function readGuests(event: JcalComponent): IcsGuest[] {
  const guests = new Map<string, IcsGuest>();
  for (const attendee of propertiesOf(event, 'attendee')) {
    const email = addressOf(attendee);
    const kind = paramOf(attendee, 'cutype')?.toUpperCase() ?? 'INDIVIDUAL';
    if (email === null || kind === 'RESOURCE' || kind === 'ROOM' || guests.size >= MAX_GUESTS) continue;
    const response = responseOf(paramOf(attendee, 'partstat'));
    const name = paramOf(attendee, 'cn')?.toWellFormed().slice(0, 200) ?? null;
    const is_optional = paramOf(attendee, 'role')?.toUpperCase() === 'OPT-PARTICIPANT';
    guests.set(email, {
      email,
      name: name === email ? null : name,
      is_optional,
      response,
      responses: readFollowing(attendee),
    });
  }
  return [...guests.values()];
}

const responseOf = (partstat: string | null): GuestResponse =>
  oneOf(partstat, ['accepted', 'declined', 'tentative']) ?? 'needs_action';

/** Answers of one guest to single occurrences, and those after them. */
const MAX_FOLLOWING = 1_000;

function readFollowing(attendee: JcalProperty): OccurrenceResponse[] {
  const entries = (paramOf(attendee, X_FOLLOWING) ?? '').split(' ').slice(0, MAX_FOLLOWING);
  return entries.flatMap((entry) => {
    const [, recurrence_id, partstat] = /^(\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d)?)=([A-Z-]+)$/.exec(entry) ?? [];
    if (recurrence_id === undefined || partstat === undefined) return [];
    return [{ recurrence_id, applies_to: 'following' as const, response: responseOf(partstat) }];
  });
}

function addressOf(attendee: JcalProperty): string | null {
  const uri = String(attendee[3]).trim().toLowerCase();
  const email = uri.startsWith('mailto:')
    ? uri.slice('mailto:'.length)
    : (paramOf(attendee, 'email')?.toLowerCase() ?? '');
  return /^[^\s@<>]+@[^\s@<>]+$/.test(email) && email.length <= 320 ? email : null;
}

function keep(event: JcalComponent): { ics_properties: JcalProperty[] | null; dropped: number } {
  const others = event[1].filter(([name, , type]) => !KNOWN.has(name) && type !== 'binary');
  const attached = event[1].filter(([name, , type]) => name === 'attach' && type !== 'binary');
  const organizer = propertyOf(event, 'organizer');
  const properties = [...(organizer ? [organizer] : []), ...others, ...attached];
  let size = 0;
  const kept = properties.filter((property) => (size += JSON.stringify(property).length) <= MAX_KEPT);
  const binary = event[1].filter(([, , type]) => type === 'binary').length;
  return {
    ics_properties: kept.length > 0 ? (JSON.parse(clean(JSON.stringify(kept))) as JcalProperty[]) : null,
    dropped: properties.length - kept.length + binary,
  };
}

const clean = (json: string): string => json.toWellFormed().replaceAll('\\u0000', '');

/** What STATUS says of an occurrence: of a series that is cancelled as a whole every occurrence says so. */
export const meansCancelled = (status: string, status_of_series: string): boolean =>
  status === 'cancelled' && status_of_series !== 'cancelled';
