import { expect, test } from 'vitest';
import { largeExport } from '../testing/large-export.ts';
import { readIcs } from './ics-read.ts';
import { splitIcs } from './ics-split.ts';

test('a large calendar is read in parts as it is read whole', () => {
  const text = largeExport(2_500);
  const parts = [...splitIcs(text)];
  expect(parts.length).toBeGreaterThan(2);
  expect(parts.flatMap((part) => readIcs(part, 'UTC').schedules)).toEqual(readIcs(text, 'UTC').schedules);
});

test('a series stays with its overrides, also where its UID goes over two lines', () => {
  const uid = (number: number) => `UID:${'x'.repeat(60)}\r\n ${number}`;
  const event = (number: number, ...lines: string[]) =>
    ['BEGIN:VEVENT', uid(number), 'DTSTAMP:20260101T000000Z', ...lines, 'END:VEVENT'].join('\r\n');
  const series = (number: number) => [
    event(number, 'DTSTART:20260101T090000Z', 'RRULE:FREQ=DAILY;COUNT=400'),
    ...Array.from({ length: 300 }, (_, day) => {
      const date = new Date(Date.UTC(2026, 0, 1 + day)).toISOString().slice(0, 10).replaceAll('-', '');
      return event(number, `RECURRENCE-ID:${date}T090000Z`, `DTSTART:${date}T100000Z`);
    }),
  ];
  const events = Array.from({ length: 5 }, (_, number) => series(number)).flat();
  const text = ['BEGIN:VCALENDAR', 'VERSION:2.0', ...events, 'END:VCALENDAR', ''].join('\r\n');
  const read = [...splitIcs(text)].map((part) => readIcs(part, 'UTC').schedules);
  expect(read.map((schedules) => schedules.length)).toEqual([4, 1]);
  expect(read.flat().map(({ overrides }) => overrides.length)).toEqual([300, 300, 300, 300, 300]);
});

test('what somebody wrote divides nothing', () => {
  const lines = [
    'BEGIN:VCALENDAR',
    'BEGIN:VEVENT',
    'UID:a',
    'DTSTART:20260101T090000Z',
    'SUMMARY:x\u2028BEGIN:VEVENT',
    'DESCRIPTION:\\nBEGIN:VEVENT\\n\r\n BEGIN:VEVENT',
    'END:VEVENT',
    'END:VCALENDAR',
  ];
  const text = `${lines.join('\r\n')}\r\n`;
  expect([...splitIcs(text)]).toEqual([text]);
});

test('what has no events is one part, as it is', () => {
  expect([...splitIcs('BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n')]).toEqual(['BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n']);
  expect([...splitIcs('nothing')]).toEqual(['nothing']);
});
