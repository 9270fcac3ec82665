import { expect, test } from 'vitest';
import { readIndependently } from '../testing/independent-reader.ts';
import { expandSeries } from './expand.ts';
import { completeSchedules } from './ics-complete.ts';
import { readIcs } from './ics-read.ts';

const event = (...lines: string[]): string[] => [
  'BEGIN:VEVENT',
  'UID:a',
  'DTSTAMP:20260101T000000Z',
  ...lines,
  'END:VEVENT',
];
const series = (...exdates: string[]): string[] =>
  event(
    'DTSTART;TZID=Europe/Berlin:20260302T090000',
    'DURATION:PT1H',
    'RRULE:FREQ=WEEKLY;COUNT=6',
    'SUMMARY:W',
    ...exdates,
  );
const moved = (id: string, to: string, ...rest: string[]): string[] =>
  event(
    `RECURRENCE-ID;TZID=Europe/Berlin:${id}`,
    `DTSTART;TZID=Europe/Berlin:${to}`,
    'DURATION:PT1H',
    'SUMMARY:M',
    ...rest,
  );

test.each([
  ['left behind by a change of the series', [...series(), ...moved('20260311T090000', '20260311T100000')]],
  [
    'excluded and changed',
    [...series('EXDATE;TZID=Europe/Berlin:20260309T090000'), ...moved('20260309T090000', '20260310T110000')],
  ],
  ['of the rule', [...series(), ...moved('20260330T090000', '20260331T020000')]],
  ['left behind, and cancelled', [...series(), ...moved('20260311T090000', '20260311T090000', 'STATUS:CANCELLED')]],
])('a changed occurrence %s stands where other programs show it', (_what, lines) => {
  const ics = ['BEGIN:VCALENDAR', 'VERSION:2.0', ...lines, 'END:VCALENDAR', ''].join('\r\n');
  const [schedule] = completeSchedules(readIcs(ics, 'UTC')).schedules;
  const window = { from: Date.UTC(2026, 0, 1), to: Date.UTC(2027, 0, 1) };
  const ours = expandSeries(schedule!, window).map(({ starts_at }) =>
    new Date(starts_at).toISOString().replace('.000', ''),
  );
  expect(ours).toEqual(readIndependently(ics, new Date(window.from), new Date(window.to)).map(({ start }) => start));
});

test('a schedule says from when to when it lasts, with what was moved', () => {
  const ics = [
    'BEGIN:VCALENDAR',
    ...series(),
    ...moved('20260406T090000', '20260501T090000'),
    'END:VCALENDAR',
    '',
  ].join('\r\n');
  expect(completeSchedules(readIcs(ics, 'UTC')).schedules).toMatchObject([
    { first_at: '2026-03-02T08:00:00.000Z', last_at: '2026-05-01T08:00:00.000Z' },
  ]);
});
