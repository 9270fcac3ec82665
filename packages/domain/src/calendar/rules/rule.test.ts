import fc from 'fast-check';
import rruleLibrary from 'rrule';
import { describe, expect, test } from 'vitest';
import { arbitraryRule, arbitraryStart } from '../testing/arbitrary-rule.ts';
import { ruleSeries } from '../testing/rule-cases.ts';
import { expandSeries } from './expand.ts';
import { normaliseRule, refuseRule, type RuleStart } from './rule.ts';
import { RuleRefused } from './rule-grammar.ts';
import { explainRule } from './rule-text.ts';
import { printLocal } from './zones.ts';

const berlin: RuleStart = { starts_local: '2026-01-05T09:30:00', time_zone: 'Europe/Berlin', is_all_day: false };
const floating: RuleStart = { ...berlin, time_zone: null };
const all_day: RuleStart = { starts_local: '2026-01-05', time_zone: null, is_all_day: true };

describe('a rule is stored in one form', () => {
  test.each([
    ['RRULE:freq=daily;interval=1;wkst=mo', 'FREQ=DAILY'],
    [' FREQ = WEEKLY ; BYDAY = we, mo,MO ', 'FREQ=WEEKLY;BYDAY=MO,WE'],
    ['BYDAY=-1SU,FR,+2MO,1MO;FREQ=MONTHLY', 'FREQ=MONTHLY;BYDAY=FR,1MO,2MO,-1SU'],
    ['BYMONTHDAY=-1,15,1,-2,1;FREQ=MONTHLY', 'FREQ=MONTHLY;BYMONTHDAY=1,15,-2,-1'],
    ['FREQ=DAILY;BYHOUR=09;BYSECOND=60;COUNT=007', 'FREQ=DAILY;COUNT=7;BYHOUR=9;BYSECOND=59'],
    ['FREQ=WEEKLY;WKST=SU;INTERVAL=2', 'FREQ=WEEKLY;INTERVAL=2;WKST=SU'],
  ])('%s', (given, stored) => expect(normaliseRule(given, berlin)).toBe(stored));

  test.each([
    ['an instant', '20261025T003000Z', berlin, '20261025T003000Z'],
    ['the second of two instants', '20261025T013000Z', berlin, '20261025T013000Z'],
    ['a wall clock', '20260701T120000', berlin, '20260701T100000Z'],
    ['a date', '20260701', berlin, '20260701T215959Z'],
    ['an instant', '20260701T120000Z', floating, '20260701T120000'],
    ['a date', '20260701', floating, '20260701T235959'],
    ['an instant', '20260701T000000Z', all_day, '20260701'],
    ['a date', '20260701', all_day, '20260701'],
    ['the last of all days', '21001231', all_day, '21001231'],
  ])('UNTIL as %s: %s', (_name, given, start, stored) => {
    expect(normaliseRule(`FREQ=DAILY;UNTIL=${given}`, start)).toBe(`FREQ=DAILY;UNTIL=${stored}`);
  });

  test.each(['99991231T235959Z', '21010101'])('UNTIL=%s, when no schedule is, is as good as none', (until) => {
    expect(normaliseRule(`FREQ=DAILY;UNTIL=${until}`, berlin)).toBe('FREQ=DAILY');
  });

  test('without the times of day that an all-day schedule does not have', () => {
    expect(normaliseRule('FREQ=DAILY;BYHOUR=0;BYMINUTE=0;BYSECOND=0', all_day)).toBe('FREQ=DAILY');
  });

  test('which is its own form, means the same, and is read alike by the library', () => {
    fc.assert(
      fc.property(arbitraryRule, arbitraryStart, (rrule, at) => {
        const start = { ...floating, starts_local: printLocal(at, false) };
        if (refuseRule(rrule, start)) return;
        const stored = normaliseRule(rrule.toLowerCase(), start);
        expect(normaliseRule(stored, start)).toBe(stored);
        const window = { from: at, to: at + 100 * 86_400_000 };
        const expand = (text: string) => expandSeries(ruleSeries(start.starts_local, null, text), window);
        expect(expand(stored)).toEqual(expand(rrule));
        const read = rruleLibrary.RRule.parseString(stored);
        const printed = rruleLibrary.RRule.optionsToString(read)
          .replace(/^RRULE:/, '')
          .replaceAll('+', '');
        expect(new Set(printed.split(';'))).toEqual(new Set(stored.split(';')));
      }),
      { numRuns: 300 },
    );
  });
});

describe('a rule is refused', () => {
  test('by what an all-day schedule cannot have', () => {
    for (const rrule of ['FREQ=HOURLY;INTERVAL=12', 'FREQ=DAILY;BYHOUR=9,10;BYSETPOS=1'])
      expect(refuseRule(rrule, all_day)?.code, rrule).toBe('rule.combination');
    expect(refuseRule('FREQ=DAILY', all_day)).toBeNull();
  });

  test('by more than 24 times a day or COUNT of more than 20,000, and taken with as many', () => {
    expect(refuseRule('FREQ=HOURLY', berlin)).toBeNull();
    expect(refuseRule('FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40', berlin)).toBeNull();
    expect(refuseRule('FREQ=DAILY;COUNT=20000', berlin)).toBeNull();
    expect(refuseRule('FREQ=DAILY;COUNT=20001', berlin)?.code).toBe('rule.out_of_range');
    expect(refuseRule('FREQ=HOURLY;BYMINUTE=0,30;COUNT=3', berlin)?.code).toBe('rule.too_frequent');
    expect(refuseRule('FREQ=WEEKLY;BYHOUR=9,10,11,12;BYMINUTE=0,10,20,30,40,50', berlin)).toBeNull();
  });

  test('when UNTIL is before the start, not when it is the start', () => {
    expect(refuseRule('FREQ=DAILY;UNTIL=20260105T083000Z', berlin)).toBeNull();
    expect(refuseRule('FREQ=DAILY;UNTIL=20260105T082959Z', berlin)?.code).toBe('rule.until_before_start');
    expect(refuseRule('FREQ=DAILY;UNTIL=20260105', berlin)).toBeNull();
    expect(refuseRule('FREQ=DAILY;UNTIL=20260104', all_day)?.code).toBe('rule.until_before_start');
  });

  test('when it never occurs within ten years, not when it is rare', () => {
    const leap = { ...berlin, starts_local: '2024-02-29T09:00:00' };
    expect(refuseRule('FREQ=YEARLY', leap)).toBeNull();
    expect(refuseRule('FREQ=YEARLY;INTERVAL=100', leap)).toBeNull();
    expect(refuseRule('FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO', berlin)?.code).toBe('rule.no_occurrence');
  });

  test('or taken: whatever text it is, nothing else is thrown', () => {
    const names = fc.constantFrom(
      'FREQ',
      'COUNT',
      'UNTIL',
      'INTERVAL',
      'BYDAY',
      'BYMONTH',
      'BYHOUR',
      'BYSETPOS',
      'WKST',
      'BYWEEKNO',
    );
    const values = fc.oneof(
      fc.string(),
      fc.integer().map(String),
      fc.constantFrom('DAILY', 'YEARLY', 'MO', '1,2', '20260301'),
    );
    const parts = fc
      .array(fc.tuple(names, values).map(([name, value]) => `${name}=${value}`))
      .map((list) => list.join(';'));
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ maxLength: 600 }), parts),
        fc.constantFrom(berlin, floating, all_day),
        (text, start) => {
          const refusal = refuseRule(text, start);
          if (refusal) expect(() => normaliseRule(text, start)).toThrow(RuleRefused);
          else expect(explainRule(normaliseRule(text, start), start)).not.toBe('');
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe('a rule in words', () => {
  test.each([
    ['FREQ=DAILY', 'every day'],
    ['FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR', 'every weekday'],
    ['FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;UNTIL=20261231T235959Z', 'every 2 weeks on Tuesday, until January 1, 2027'],
    ['FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;WKST=SU', 'every 2 weeks on Monday, weeks beginning on Sunday'],
    ['FREQ=MONTHLY;BYDAY=-1FR;COUNT=3', 'every month on the last Friday, 3 times'],
    ['FREQ=MONTHLY;BYMONTHDAY=3,-1', 'every month on the 3rd and last day'],
    ['FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR', 'every month on Friday, if it is the 13th of the month'],
    ['FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1', 'every month on weekdays, but only the last of each month'],
    ['FREQ=DAILY;BYHOUR=9,17;BYMINUTE=30', 'every day at 09:30 and 17:30'],
    ['FREQ=DAILY;BYHOUR=12', 'every day at 12:30'],
    ['FREQ=HOURLY;INTERVAL=12;BYMINUTE=15', 'every 12 hours at :15'],
    ['FREQ=YEARLY;BYYEARDAY=100,-1', 'every year on the 100th and last day'],
    ['FREQ=DAILY;COUNT=1', 'every day, once'],
  ])('%s', (rrule, text) => {
    expect(explainRule(normaliseRule(rrule, berlin), berlin)).toBe(text);
  });
});
