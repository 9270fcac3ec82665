import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import cases from '../testing/date-cases.json' with { type: 'json' };
import { findDates } from './dates.ts';

const jakarta = { at: '2026-11-21T03:00:00Z', time_zone: 'Asia/Jakarta', language: 'und' } as const;

test.each(cases as [string, [string, string, string][]][])('on Saturday, 21 November 2026: %s', (text, expected) => {
  expect(findDates(text, jakarta)).toEqual(expected.map(([said, from, to]) => ({ text: said, from, to })));
});

test('the day is that of the person: it is tomorrow already where the sun rises first', () => {
  const at = '2026-12-31T18:00:00Z';
  const of = (time_zone: string) => findDates('today', { at, time_zone, language: 'en' })[0]?.from;
  expect([of('America/Los_Angeles'), of('UTC'), of('Pacific/Kiritimati')]).toEqual([
    '2026-12-31',
    '2026-12-31',
    '2027-01-01',
  ]);
});

test('what comes first of day and month is as it is written where the person lives', () => {
  const of = (time_zone: string, language: 'en' | 'id') =>
    findDates('3/4/2026', { ...jakarta, time_zone, language })[0]?.from;
  expect(of('America/New_York', 'en')).toBe('2026-03-04');
  expect(of('Europe/London', 'en')).toBe('2026-04-03');
  expect(of('America/New_York', 'id')).toBe('2026-04-03');
  expect(findDates('13/4/2026', { ...jakarta, time_zone: 'America/New_York', language: 'en' })[0]?.from).toBe(
    '2026-04-13',
  );
});

test('a month that is too short gives its last day, and a day that there is not gives none', () => {
  expect(findDates('in a month', { ...jakarta, at: '2026-01-31T03:00:00Z' })).toEqual([
    { text: 'in a month', from: '2026-02-28', to: '2026-02-28' },
  ]);
  expect(findDates('31/02/2026 and 2026-02-30', jakarta)).toEqual([]);
  expect(findDates('29 February', { ...jakarta, at: '2027-01-31T03:00:00Z' })[0]?.from).toBe('2028-02-29');
});

test('of no time, or in no zone', () => {
  expect(findDates('tomorrow', { ...jakarta, at: 'soon' })).toEqual([]);
  expect(findDates('12345 nothing', jakarta)).toEqual([]);
});

test('what is found stands in the text, in order, apart, and begins before it ends', () => {
  const words = fc.constantFrom(
    ...[
      'last',
      'next',
      'week',
      'friday',
      'may',
      '5',
      'th',
      'minggu',
      'lalu',
      'besok',
      'pagi',
      'to',
      'on',
      '2026',
      '12/13',
      'ago',
      'two',
      'days',
    ],
    ...['sampai', 'tanggal', 'of', 'the', 'month', 'akhir', 'in', '-', ',', 'second', 'March', 'İstanbul', '31', 'feb'],
  );
  fc.assert(
    fc.property(
      fc.array(words, { maxLength: 16 }),
      fc.date({ min: new Date('1990-01-01'), max: new Date('2090-01-01'), noInvalidDate: true }),
      (parts, now) => {
        const text = parts.join(' ');
        let from = 0;
        for (const mention of findDates(text, {
          at: now.toISOString(),
          time_zone: 'Australia/Lord_Howe',
          language: 'en',
        })) {
          const at = text.indexOf(mention.text, from);
          expect(at, text).toBeGreaterThanOrEqual(0);
          from = at + mention.text.length;
          expect(mention.from <= mention.to, text).toBe(true);
          expect(mention.from).toMatch(/^\d{4}-\d\d-\d\d$/u);
        }
      },
    ),
    { numRuns: 1_000 },
  );
});

test('the zone of the process plays no part', async () => {
  const script = fileURLToPath(new URL('../testing/print-dates.ts', import.meta.url));
  const printedIn = async (TZ: string) => {
    const { stdout } = await promisify(execFile)(process.execPath, [script], { env: { TZ } });
    return stdout.trim().split('\n');
  };
  const [utc, ...others] = await Promise.all(
    ['UTC', 'America/New_York', 'Asia/Jakarta', 'Pacific/Apia'].map(printedIn),
  );
  expect(utc).toHaveLength(cases.length + 1);
  for (const lines of others) expect([lines[0] !== utc?.[0], lines.slice(1)]).toEqual([true, utc?.slice(1)]);
});
