import { describe, expect, it } from 'vitest';
import { planned, reminder } from '../testing/planned-schedule.ts';
import { type DueReminder, dueOf, nextDue, type ReminderRule, type Search } from './reminder-times.ts';
import type { Series } from './series.ts';

const at = (text: string) => Date.parse(text);
const search = (now: string, more: Partial<Search> = {}): Search => ({
  time_zone: 'America/New_York',
  now: at(now),
  silent_until: -Infinity,
  sent: null,
  ...more,
});
const next = (rule: ReminderRule, series: Series, how: Search) => {
  const found = nextDue(rule, series, how);
  return found && 'due_at' in found ? [found.recurrence_id, new Date(found.due_at).toISOString()] : found;
};
const evening = reminder('r', { minutes_before: null, local_time: '18:00:00', days_before: 1 });

describe('the next reminder', () => {
  it('keeps to the wall clock of the person over a change to summer time', () => {
    const mondays = planned();
    expect(next(evening, mondays, search('2026-03-01T00:00:00Z'))).toEqual([
      '2026-03-02T09:00:00',
      '2026-03-01T23:00:00.000Z',
    ]);
    expect(next(evening, mondays, search('2026-03-05T00:00:00Z'))).toEqual([
      '2026-03-09T09:00:00',
      '2026-03-08T22:00:00.000Z',
    ]);
  });

  it('of a time that the clocks skip comes an hour later, and of one that they repeat the first time', () => {
    const night = reminder('r', { minutes_before: null, local_time: '02:30:00', days_before: 0 });
    const days = planned({ rrule: 'FREQ=DAILY', starts_local: '2026-03-01T09:00:00' });
    expect(next(night, days, search('2026-03-08T00:00:00Z'))).toEqual([
      '2026-03-08T09:00:00',
      '2026-03-08T07:30:00.000Z',
    ]);
    const again = reminder('r', { minutes_before: null, local_time: '01:30:00', days_before: 0 });
    expect(next(again, days, search('2026-11-01T00:00:00Z'))).toEqual([
      '2026-11-01T09:00:00',
      '2026-11-01T05:30:00.000Z',
    ]);
  });

  it('can come after the start, on the evening of the day', () => {
    const after = reminder('r', { minutes_before: null, local_time: '20:00:00', days_before: 0 });
    expect(next(after, planned(), search('2026-03-02T20:00:00Z'))).toEqual([
      '2026-03-02T09:00:00',
      '2026-03-03T01:00:00.000Z',
    ]);
  });

  it('comes long before the start, four weeks at most', () => {
    const early = reminder('r', { minutes_before: 40_320 });
    const once = planned({ rrule: null, starts_local: '2026-04-06T09:00:00' });
    expect(next(early, once, search('2026-03-01T00:00:00Z'))).toEqual([
      '2026-04-06T09:00:00',
      '2026-03-09T13:00:00.000Z',
    ]);
    expect(next(early, once, search('2027-01-01T00:00:00Z'))).toBeNull();
  });

  it('is of the occurrence after the one that was sent, at the same time of day too', () => {
    const twice = planned({ rrule: 'FREQ=DAILY;BYHOUR=9,15', starts_local: '2026-03-02T09:00:00' });
    const morning = reminder('r', { minutes_before: null, local_time: '07:00:00', days_before: 0 });
    const first = dueOf(
      morning,
      twice,
      {
        recurrence_id: '2026-03-02T09:00:00',
        starts_at: at('2026-03-02T14:00:00Z'),
        ends_at: at('2026-03-02T15:00:00Z'),
        is_override: false,
      },
      'America/New_York',
    );
    const after = (sent: DueReminder) =>
      next(morning, twice, search('2026-03-02T12:00:00Z', { silent_until: sent.due_at, sent }));
    expect(after(first)).toEqual(['2026-03-02T15:00:00', '2026-03-02T12:00:00.000Z']);
    expect(after({ ...first, starts_at: at('2026-03-02T20:00:00Z') })).toEqual([
      '2026-03-03T09:00:00',
      '2026-03-03T12:00:00.000Z',
    ]);
  });
});
