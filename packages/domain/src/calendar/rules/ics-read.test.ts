import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readIcs } from './ics-read.ts';
import { splitIcs } from './ics-split.ts';
import type { IcsSchedule } from './ics-types.ts';

const calendar = (...lines: string[]): string =>
  ['BEGIN:VCALENDAR', 'VERSION:2.0', ...lines, 'END:VCALENDAR', ''].join('\r\n');
const event = (...lines: string[]): string[] => [
  'BEGIN:VEVENT',
  'UID:a',
  'DTSTAMP:20260101T000000Z',
  ...lines,
  'END:VEVENT',
];

function one(...lines: string[]): IcsSchedule {
  const { schedules, problems } = readIcs(calendar(...lines), 'Europe/Berlin');
  expect(problems).toEqual([]);
  expect(schedules).toHaveLength(1);
  return schedules[0] as IcsSchedule;
}

function problem(...lines: string[]): string | undefined {
  const { schedules, problems } = readIcs(calendar(...lines), 'Europe/Berlin');
  expect(schedules).toEqual([]);
  return problems[0]?.code;
}

test('a file of public holidays: dates, folded and escaped text, its name', () => {
  const text = readFileSync(new URL('../testing/holidays.ics', import.meta.url), 'utf8');
  const { name, schedules, problems } = readIcs(text, 'Europe/Berlin');
  expect(name).toBe('Holidays in Germany');
  expect(problems).toEqual([]);
  expect(schedules).toHaveLength(11);
  const easter = schedules.find(({ uid }) => uid.includes('ostern'));
  expect(easter).toMatchObject({
    starts_local: '2026-04-05',
    is_all_day: true,
    duration_seconds: 2 * 86_400,
    time_zone: null,
  });
  const mothers = schedules.find(({ uid }) => uid.includes('muttertag'));
  expect(mothers?.rrule).toBe('FREQ=YEARLY;BYMONTH=5;BYDAY=2SU');
  expect(mothers?.description).toContain('Settings > Holidays in Germany');
  expect(mothers?.transparency).toBe('transparent');
});

test('an event in a zone, in UTC, floating', () => {
  expect(
    one(...event('DTSTART;TZID=America/New_York:20260308T013000', 'DTEND;TZID=America/New_York:20260308T033000')),
  ).toMatchObject({
    starts_local: '2026-03-08T01:30:00',
    time_zone: 'America/New_York',
    // The clocks go forward in between.
    duration_seconds: 3_600,
  });
  expect(one(...event('DTSTART:20260301T090000Z', 'DURATION:PT1H30M'))).toMatchObject({
    time_zone: 'UTC',
    duration_seconds: 5_400,
  });
  expect(one(...event('DTSTART:20260301T090000', 'DTEND:20260301T100000'))).toMatchObject({
    time_zone: null,
    is_all_day: false,
  });
});

test('an end in another zone counts by its instant', () => {
  const flight = event('DTSTART;TZID=Europe/Berlin:20260601T100000', 'DTEND;TZID=America/New_York:20260601T130000');
  expect(one(...flight).duration_seconds).toBe(9 * 3_600);
});

test('zones by the names of Windows, with a prefix, by X-LIC-LOCATION, by their offsets alone', () => {
  const at = (tzid: string) => event(`DTSTART;TZID=${tzid}:20260301T090000`, 'DURATION:PT1H');
  expect(one(...at('"W. Europe Standard Time"')).time_zone).toBe('Europe/Berlin');
  expect(one(...at('/mozilla.org/20050126_1/Asia/Tokyo')).time_zone).toBe('Asia/Tokyo');
  const named = ['BEGIN:VTIMEZONE', 'TZID:Home', 'X-LIC-LOCATION:Asia/Jakarta', 'END:VTIMEZONE'];
  expect(one(...named, ...at('Home')).time_zone).toBe('Asia/Jakarta');
  const rules = [
    ...[
      'BEGIN:VTIMEZONE',
      'TZID:Ours',
      'BEGIN:STANDARD',
      'DTSTART:19701025T030000',
      'TZOFFSETFROM:+0200',
      'TZOFFSETTO:+0100',
    ],
    ...['RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU', 'END:STANDARD', 'BEGIN:DAYLIGHT', 'DTSTART:19700329T020000'],
    ...[
      'TZOFFSETFROM:+0100',
      'TZOFFSETTO:+0200',
      'RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU',
      'END:DAYLIGHT',
      'END:VTIMEZONE',
    ],
  ];
  expect(one(...rules, ...at('Ours')).time_zone).toBe('Europe/Berlin');
  expect(problem(...at('Middle-earth/Shire'))).toBe('ics.zone_unknown');
});

test('UNTIL counts by what it means: a date is the whole day, a local time is in the zone', () => {
  const rule = (until: string) =>
    one(...event('DTSTART;TZID=Europe/Berlin:20260301T090000', 'DURATION:PT1H', `RRULE:FREQ=DAILY;UNTIL=${until}`))
      .rrule;
  expect(rule('20260310')).toBe('FREQ=DAILY;UNTIL=20260310T225959Z');
  expect(rule('20260310T090000')).toBe('FREQ=DAILY;UNTIL=20260310T080000Z');
  expect(rule('20260310T080000Z')).toBe('FREQ=DAILY;UNTIL=20260310T080000Z');
});

test('EXDATE and RDATE in other zones, as dates, as periods', () => {
  const series = one(
    ...event(
      'DTSTART;TZID=Europe/Berlin:20260301T090000',
      'DURATION:PT1H',
      'RRULE:FREQ=DAILY;COUNT=10',
      'EXDATE:20260302T080000Z',
      'EXDATE;VALUE=DATE:20260303,20260304',
      'RDATE;TZID=America/New_York:20260320T090000',
      'RDATE;VALUE=PERIOD;TZID=Europe/Berlin:20260321T090000/PT2H',
    ),
  );
  expect(series.exdates).toEqual(['2026-03-02T09:00:00', '2026-03-03T09:00:00', '2026-03-04T09:00:00']);
  expect(series.rdates).toEqual(['2026-03-20T14:00:00', '2026-03-21T09:00:00']);
  expect(series.overrides).toMatchObject([{ recurrence_id: '2026-03-21T09:00:00', duration_seconds: 7_200 }]);
});

test('occurrences that differ: moved, cancelled, without the place that the series has, answered otherwise', () => {
  const master = [
    'DTSTART;TZID=Europe/Berlin:20260301T090000',
    'DURATION:PT1H',
    'RRULE:FREQ=DAILY;COUNT=10',
    'SUMMARY:Daily',
  ];
  const place = 'LOCATION:Room 1';
  const guest = 'ATTENDEE;PARTSTAT=ACCEPTED:mailto:Ann@Example.com';
  const own = (id: string, ...lines: string[]) =>
    event(`RECURRENCE-ID;TZID=Europe/Berlin:${id}`, 'DURATION:PT1H', ...lines);
  const series = one(
    ...event(...master, place, guest),
    ...own('20260302T090000', 'DTSTART;TZID=Europe/Berlin:20260302T150000', 'SUMMARY:Daily', place, guest),
    ...own(
      '20260303T090000',
      'DTSTART;TZID=Europe/Berlin:20260303T090000',
      'SUMMARY:Daily',
      place,
      guest,
      'STATUS:CANCELLED',
    ),
    ...own('20260304T090000', 'DTSTART;TZID=Europe/Berlin:20260304T090000', 'SUMMARY:Special', guest),
    ...own(
      '20260305T090000',
      'DTSTART;TZID=Europe/Berlin:20260305T090000',
      'SUMMARY:Daily',
      place,
      guest.replace('ACCEPTED', 'DECLINED'),
    ),
  );
  expect(series.overrides).toMatchObject([
    { recurrence_id: '2026-03-02T09:00:00', starts_local: '2026-03-02T15:00:00', title: null, is_cancelled: false },
    { recurrence_id: '2026-03-03T09:00:00', starts_local: null, is_cancelled: true },
    { recurrence_id: '2026-03-04T09:00:00', title: 'Special', location: '', is_cancelled: false },
  ]);
  expect(series.guests).toEqual([
    {
      ...{ email: 'ann@example.com', name: null, is_optional: false, response: 'accepted' },
      responses: [{ recurrence_id: '2026-03-05T09:00:00', applies_to: 'this', response: 'declined' }],
    },
  ]);
});

test('alarms become reminders: relative to start or end, absolute; one after the start is reported', () => {
  const alarm = (trigger: string, action = 'DISPLAY') => ['BEGIN:VALARM', `ACTION:${action}`, trigger, 'END:VALARM'];
  const start = ['DTSTART;TZID=Europe/Berlin:20260301T090000', 'DURATION:PT1H'];
  const { reminders } = one(
    ...event(
      ...start,
      ...alarm('TRIGGER:-PT15M'),
      ...alarm('TRIGGER:-PT15M', 'EMAIL'),
      ...alarm('TRIGGER;RELATED=END:-PT2H'),
    ),
  );
  expect(reminders).toMatchObject([
    { minutes_before: 15, channels: ['in_app', 'email'] },
    { minutes_before: 60, channels: ['in_app'] },
  ]);
  expect(one(...event(...start, ...alarm('TRIGGER;VALUE=DATE-TIME:20260301T070000Z'))).reminders).toMatchObject([
    { minutes_before: 60 },
  ]);
  const { schedules, problems } = readIcs(calendar(...event(...start, ...alarm('TRIGGER:PT5M'))), 'UTC');
  expect(schedules).toHaveLength(1);
  expect(problems).toMatchObject([{ code: 'ics.alarms', skipped: false }]);
});

test('what there is no column for is kept', () => {
  const { ics_properties } = one(
    ...event('DTSTART:20260301T090000Z', 'CATEGORIES:A,B', 'X-COLOUR-OF-MAGIC:octarine', 'GEO:1.5;2.5'),
  );
  expect(ics_properties?.map(([name]) => name)).toEqual(['categories', 'x-colour-of-magic', 'geo']);
});

test.each([
  ['ics.no_start', ['SUMMARY:Nothing']],
  ['ics.time_invalid', ['DTSTART:yesterday']],
  ['ics.time_invalid', ['DTSTART:18000101T000000Z']],
  ['ics.exrule', ['DTSTART:20260301T090000Z', 'RRULE:FREQ=DAILY', 'EXRULE:FREQ=WEEKLY']],
  ['ics.rules', ['DTSTART:20260301T090000Z', 'RRULE:FREQ=DAILY', 'RRULE:FREQ=WEEKLY']],
  ['ics.too_long', ['DTSTART:20260301T090000Z', 'DTEND:20280301T090000Z']],
])('%s is reported for an event that cannot be taken over', (code, lines) => {
  expect(problem(...event(...lines))).toBe(code);
});

test('a hostile rule is refused, and takes nothing else along', () => {
  const good = ['BEGIN:VEVENT', 'UID:b', 'DTSTART:20260301T090000Z', 'END:VEVENT'];
  const { schedules, problems } = readIcs(
    calendar(...event('DTSTART:20260301T090000Z', 'RRULE:FREQ=SECONDLY'), ...good),
    'UTC',
  );
  expect(schedules.map(({ uid }) => uid)).toEqual(['b']);
  expect(problems).toMatchObject([{ uid: 'a', line: 3, skipped: true }]);
});

test('line endings, folding with tabs and a byte-order mark as they come', () => {
  const text = `\uFEFF${calendar(...event('DTSTART:20260301T090000Z', 'SUMMARY:A long\r\n\t title'))}`.replaceAll(
    '\r\n',
    '\n',
  );
  expect(readIcs(text, 'UTC').schedules).toMatchObject([{ title: 'A long title' }]);
});

test('what is no calendar is refused', () => {
  expect(() => readIcs('BEGIN:VCARD\r\nEND:VCARD', 'UTC')).toThrow('no iCalendar');
});

test.each([
  'DTSTART:20260230T090000Z',
  'DTSTART;VALUE=DATE:20260230',
  'DTSTART:20261301T000000Z',
  'DTSTART:20261231T240000Z',
  'DTSTART;TZID=Europe/Berlin:20260230T090000',
  'DTSTART:21001231T235960Z',
  'DTSTART:18991231T090000Z',
])('%s, which no schedule begins at, is named', (start) => {
  expect(problem(...event(start))).toBe('ics.time_invalid');
});

test.each([
  ['ics.time_invalid', 'EXDATE:20260230T090000Z'],
  ['ics.time_invalid', 'RDATE:20260230T090000Z'],
  ['ics.too_long', 'RDATE;VALUE=PERIOD:20261203T090000Z/P9999999D'],
  ['ics.too_many_dates', `RDATE:${manyTimes(1_001)}`],
  ['ics.too_many_dates', `EXDATE:${manyTimes(5_001)}`],
])('%s: dates that a schedule cannot have are named', (code, line) => {
  expect(problem(...event('DTSTART:20261201T090000Z', line))).toBe(code);
});

test('dates that are in another year in the zone of the event are named', () => {
  const lines = ['DTSTART;TZID=Asia/Tokyo:21001230T090000', 'RRULE:FREQ=DAILY', 'EXDATE:21001231T200000Z'];
  expect(problem(...event(...lines))).toBe('ics.time_invalid');
});

function manyTimes(count: number): string {
  const stamp = (at: number) => `${new Date(at).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
  return Array.from({ length: count }, (_, n) => stamp(Date.UTC(2027, 0, 1) + n * 60_000)).join(',');
}

test('a leap second is the second after it', () => {
  expect(one(...event('DTSTART:20161231T235960Z')).starts_local).toBe('2017-01-01T00:00:00');
});

test('an override with a day that there is not is named, and takes nothing else along', () => {
  const series = event('DTSTART:20261201T090000Z', 'RRULE:FREQ=DAILY;COUNT=5', 'DURATION:PT1H');
  for (const rid of ['20260230T090000Z', '20261301T000000Z']) {
    const changed = event('DTSTART:20261201T110000Z', `RECURRENCE-ID:${rid}`, 'DURATION:PT1H');
    const { schedules, problems } = readIcs(calendar(...series, ...changed), 'Europe/Berlin');
    expect(schedules).toHaveLength(1);
    expect(problems).toMatchObject([{ code: 'ics.time_invalid' }]);
  }
});

test.each([
  ['after a line', '\r\n'],
  ['within a line', ''],
])('a file that was cut off %s says so', (_, end) => {
  const whole = calendar(...event('DTSTART:20261201T090000Z'), 'BEGIN:VEVENT', 'UID:b');
  const text = `${whole.slice(0, whole.indexOf('\r\nEND:VCALENDAR'))}${end}`;
  for (const part of [text, [...splitIcs(text)].join('')]) {
    const { schedules, problems } = readIcs(part, 'Europe/Berlin');
    expect(schedules).toHaveLength(1);
    expect(problems).toMatchObject([{ code: 'ics.unreadable', line: 8 }]);
  }
});

test('an occurrence of a series that is cancelled as a whole is not cancelled by itself', () => {
  const series = event('DTSTART:20261201T090000Z', 'RRULE:FREQ=DAILY;COUNT=5', 'STATUS:CANCELLED');
  const moved = event('DTSTART:20261202T110000Z', 'RECURRENCE-ID:20261202T090000Z', 'STATUS:CANCELLED');
  const [override, ...others] = one(...series, ...moved).overrides;
  expect(override).toMatchObject({ is_cancelled: false, status: null, starts_local: '2026-12-02T11:00:00' });
  expect(others).toEqual([]);
});
