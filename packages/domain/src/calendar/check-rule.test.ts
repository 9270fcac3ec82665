import { expect, test } from 'vitest';
import { checkRule } from './check-rule.ts';

const berlin = { starts_local: '2026-03-27T02:30:00', time_zone: 'Europe/Berlin', duration_seconds: 3_600 };

test('a rule is normalised, said in words, and its next ten occurrences are by the clock and in UTC', () => {
  const answer = checkRule({ ...berlin, rrule: 'rrule:count=12;interval=1;freq=daily' });
  expect(answer).toMatchObject({ ok: true, rrule: 'FREQ=DAILY;COUNT=12', text: 'every day, 12 times', remaining: 12 });
  if (!answer.ok) return;
  expect(answer.next).toHaveLength(10);
  expect(answer.next.slice(1, 4)).toEqual([
    {
      recurrence_id: '2026-03-28T02:30:00',
      starts_local: '2026-03-28T02:30:00',
      starts_at: '2026-03-28T01:30:00Z',
      ends_at: '2026-03-28T02:30:00Z',
      offset: '+01:00',
      is_in_gap: false,
      is_dst_shifted: false,
    },
    {
      recurrence_id: '2026-03-29T02:30:00',
      starts_local: '2026-03-29T03:30:00',
      starts_at: '2026-03-29T01:30:00Z',
      ends_at: '2026-03-29T02:30:00Z',
      offset: '+02:00',
      is_in_gap: true,
      is_dst_shifted: true,
    },
    {
      recurrence_id: '2026-03-30T02:30:00',
      starts_local: '2026-03-30T02:30:00',
      starts_at: '2026-03-30T00:30:00Z',
      ends_at: '2026-03-30T01:30:00Z',
      offset: '+02:00',
      is_in_gap: false,
      is_dst_shifted: false,
    },
  ]);
  expect(answer.last).toMatchObject({ recurrence_id: '2026-04-07T02:30:00' });
});

test('the first that is shown is marked against the one before it, which is not', () => {
  const answer = checkRule({ ...berlin, rrule: 'FREQ=WEEKLY;COUNT=5', from: '2026-03-30T00:00:00+02:00' });
  expect(answer).toMatchObject({
    remaining: 4,
    next: [{ recurrence_id: '2026-04-03T02:30:00', offset: '+02:00', is_dst_shifted: true }, {}, {}, {}],
  });
  const endless = checkRule({ ...berlin, rrule: 'FREQ=WEEKLY', from: '2050-01-01T00:00:00Z' });
  expect(endless).toMatchObject({ remaining: null, last: null });
});

test('all-day and floating rules have no instants', () => {
  const answer = checkRule({ starts_local: '2026-03-27', rrule: 'FREQ=MONTHLY;BYMONTHDAY=-1;UNTIL=20260601' });
  expect(answer).toMatchObject({
    rrule: 'FREQ=MONTHLY;UNTIL=20260601;BYMONTHDAY=-1',
    text: 'every month on the last day, until June 1, 2026',
    next: [{ recurrence_id: '2026-03-31', starts_local: '2026-03-31', starts_at: null, offset: null }, {}, {}],
    last: { recurrence_id: '2026-05-31' },
  });
});

test('added and left-out starts are seen', () => {
  const rule = { ...berlin, rrule: 'FREQ=DAILY;COUNT=2' };
  const dates = { rdates: ['2026-05-01T10:00:00'], exdates: ['2026-03-27T02:30:00'] };
  expect(checkRule({ ...rule, ...dates })).toMatchObject({
    next: [{ recurrence_id: '2026-03-28T02:30:00' }, { recurrence_id: '2026-05-01T10:00:00' }],
    last: { recurrence_id: '2026-05-01T10:00:00' },
  });
  expect(checkRule({ ...rule, exdates: ['2026-03-27T02:30:00', '2026-03-28T02:30:00'] })).toMatchObject({
    ok: false,
    code: 'schedule.no_occurrence',
    pointer: '/exdates',
  });
});

test('what a schedule cannot have is refused with the reason', () => {
  const answer = checkRule({ ...berlin, rrule: 'FREQ=SECONDLY' });
  const reason = 'Schedules recur hourly at most';
  expect(answer).toEqual({ ok: false, code: 'rule.too_frequent', reason, pointer: '/rrule' });
});

test('a body that is none is an error that names the field', () => {
  const fault = (pointer: string) =>
    expect.objectContaining({ meta: { errors: [expect.objectContaining({ pointer })] } });
  const rrule = 'FREQ=DAILY';
  expect(() => checkRule({ ...berlin, rrule, time_zone: 'Europe/Atlantis' })).toThrow(fault('/time_zone'));
  expect(() => checkRule({ ...berlin, rrule, exdates: ['2026-03-01'] })).toThrow(fault('/exdates/0'));
  expect(() => checkRule({ starts_local: '2026-03-01', time_zone: 'Asia/Jakarta', rrule })).toThrow(
    fault('/time_zone'),
  );
});
