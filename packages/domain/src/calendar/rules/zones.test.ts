import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arbitraryZone } from '../testing/arbitrary-rule.ts';
import { isZone, parseLocal, printLocal, readZone, toInstant, toLocal, zoneFingerprint } from './zones.ts';

const instant = (local: string, zone: string): string => new Date(toInstant(parseLocal(local), zone)).toISOString();
const anyTime = fc
  .integer({ min: Date.UTC(1900, 0, 1) / 1_000, max: Date.UTC(2100, 11, 31) / 1_000 })
  .map((s) => s * 1_000);

describe('a wall clock as an instant', () => {
  test.each([
    ['in a gap of an hour', '2026-03-29T02:30:00', 'Europe/Berlin', '2026-03-29T01:30:00.000Z'],
    ['at the beginning of a gap', '2026-03-29T02:00:00', 'Europe/Berlin', '2026-03-29T01:00:00.000Z'],
    ['after a gap', '2026-03-29T03:00:00', 'Europe/Berlin', '2026-03-29T01:00:00.000Z'],
    ['that comes twice', '2026-10-25T02:30:00', 'Europe/Berlin', '2026-10-25T00:30:00.000Z'],
    ['after an overlap', '2026-10-25T03:00:00', 'Europe/Berlin', '2026-10-25T02:00:00.000Z'],
    ['in a gap of half an hour', '2026-10-04T02:15:00', 'Australia/Lord_Howe', '2026-10-03T15:45:00.000Z'],
    ['in a gap at midnight', '2018-11-04T00:00:00', 'America/Sao_Paulo', '2018-11-04T03:00:00.000Z'],
    ['on a day that was left out', '2011-12-30T12:00:00', 'Pacific/Apia', '2011-12-30T22:00:00.000Z'],
    ['within Ramadan', '2026-03-01T09:00:00', 'Africa/Casablanca', '2026-03-01T09:00:00.000Z'],
    ['outside Ramadan', '2026-04-01T09:00:00', 'Africa/Casablanca', '2026-04-01T08:00:00.000Z'],
    ['of a time with odd seconds', '1925-06-01T12:00:00', 'Europe/Amsterdam', undefined],
  ])('%s', (_name, local, zone, expected) => {
    if (expected) expect(instant(local, zone)).toBe(expected);
    expect(toLocal(toInstant(parseLocal(local), zone), zone)).toBeGreaterThanOrEqual(parseLocal(local));
  });

  test('is the one that the runtime shows so, or in a gap the one it shows later by the gap', () => {
    fc.assert(
      fc.property(anyTime, arbitraryZone, (local, zone) => {
        const at = toInstant(local, zone);
        const shown = shownBy(zone, at);
        expect(toLocal(at, zone)).toBe(shown);
        if (shown === local) return;
        const { transitions } = readZone(zone, at - 30 * 3_600_000, at + 30 * 3_600_000);
        expect(transitions.map(({ before, after }) => after - before)).toContain(shown - local);
      }),
      { numRuns: 500 },
    );
  });

  test('changes with the clocks, in every zone and to the second', () => {
    for (const zone of Intl.supportedValuesOf('timeZone')) {
      const { transitions } = readZone(zone, Date.UTC(2000, 0, 1), Date.UTC(2030, 0, 1));
      for (const { at, before, after } of transitions) {
        expect(toLocal(at - 1_000, zone), zone).toBe(at - 1_000 + before);
        expect(toLocal(at, zone), zone).toBe(at + after);
        const [skipped, repeated] = [after > before, after < before];
        if (skipped) expect(toInstant(at + before, zone), zone).toBe(at);
        if (skipped) expect(toInstant(at + after - 1_000, zone), zone).toBe(at + after - before - 1_000);
        if (repeated) expect(toInstant(at + after, zone), zone).toBe(at + after - before);
        expect(toInstant(at + Math.max(before, after), zone), zone).toBe(at + Math.max(before, after) - after);
        expect(toInstant(at + Math.min(before, after) - 1_000, zone), zone).toBe(
          at + Math.min(before, after) - 1_000 - before,
        );
      }
    }
  });

  test('is the first of two', () => {
    fc.assert(
      fc.property(anyTime, arbitraryZone, (at, zone) => {
        expect(toInstant(toLocal(at, zone), zone)).toBeLessThanOrEqual(at);
      }),
    );
  });

  test('does not depend on what was asked before', () => {
    const times = fc.array(anyTime, { minLength: 2, maxLength: 30 });
    fc.assert(
      fc.property(times, arbitraryZone, (locals, zone) => {
        const forwards = locals.map((local) => toInstant(local, zone));
        const backwards = locals.toReversed().map((local) => toInstant(local, zone));
        expect(backwards.toReversed()).toEqual(forwards);
      }),
    );
  });
});

/** The wall clock by the fields that the runtime prints. */
function shownBy(timeZone: string, at: number): number {
  const units = { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' } as const;
  const format = new Intl.DateTimeFormat('en-US', { timeZone, ...units, second: '2-digit', hourCycle: 'h23' });
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(parts['year']!, parts['month']! - 1, parts['day'], parts['hour'], parts['minute'], parts['second']);
}

test('names of zones', () => {
  for (const name of ['Europe/Berlin', 'UTC', 'US/Eastern', 'Asia/Calcutta', 'Etc/GMT+5'])
    expect(isZone(name), name).toBe(true);
  for (const name of ['', '+02:00', 'Europe/Atlantis', 'x'.repeat(500), 'Europe/Berlin\n', '__proto__'])
    expect(isZone(name), name).toBe(false);
  expect(() => toInstant(0, 'Europe/Atlantis')).toThrow(RangeError);
});

test('a fingerprint is that of what the clocks do', () => {
  expect(zoneFingerprint('Asia/Calcutta')).toBe(zoneFingerprint('Asia/Kolkata'));
  expect(zoneFingerprint('Europe/Berlin')).not.toBe(zoneFingerprint('Europe/London'));
});

describe('local times', () => {
  test('are printed as they were read', () => {
    fc.assert(
      fc.property(anyTime, (ms) => {
        const text = new Date(ms).toISOString().slice(0, 19);
        expect(parseLocal(text)).toBe(ms);
        expect(printLocal(ms, false)).toBe(text);
        expect(printLocal(ms, true)).toBe(text.slice(0, 10));
        expect(parseLocal(text.slice(0, 10))).toBe(Math.floor(ms / 86_400_000) * 86_400_000);
      }),
    );
  });

  test.each([
    '2026-02-29',
    '2026-13-01',
    '2026-00-01',
    '2026-01-00',
    '2026-01-01T24:00:00',
    '2026-01-01T09:60:00',
    '2026-01-01T09:00',
  ])('%s is none', (text) => expect(() => parseLocal(text)).toThrow(RangeError));
  test.each([
    '',
    '2026-01-01 09:00:00',
    '2026-01-01T09:00:00Z',
    '20260101T090000',
    '2026-01-01T09:00:0x',
    '+026-01-01',
  ])('"%s" is none', (text) => expect(() => parseLocal(text)).toThrow(RangeError));
});
