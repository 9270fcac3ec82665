/*
 * Rules that hang engines, fill memories or mean nothing. `refused`: the code of the refusal. `start`: when it is not that of the rest.
 */

export interface HostileRule {
  rrule: string;
  refused: string;
  start?: string;
}

const list = (from: number, to: number): string => Array.from({ length: to - from + 1 }, (_, n) => from + n).join(',');
const HOURS = list(0, 23);
const SIXTY = list(0, 59);

const of = (refused: string, ...rules: string[]): HostileRule[] => rules.map((rrule) => ({ rrule, refused }));

export const hostile_rules: HostileRule[] = [
  ...of('rule.too_frequent', 'FREQ=SECONDLY', 'FREQ=MINUTELY', 'FREQ=SECONDLY;INTERVAL=10000', 'FREQ=MINUTELY;COUNT=1'),
  ...of('rule.too_frequent', 'FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30', 'FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30'),
  ...of('rule.too_frequent', 'FREQ=MINUTELY;INTERVAL=60;BYMINUTE=30', 'FREQ=MINUTELY;INTERVAL=1440;BYHOUR=5'),
  ...of('rule.combination', 'FREQ=SECONDLY;BYSETPOS=366'),
  ...of('rule.too_frequent', `FREQ=DAILY;BYHOUR=0,1;BYMINUTE=${list(0, 13)}`),
  ...of('rule.too_frequent', `FREQ=DAILY;BYHOUR=${HOURS};BYMINUTE=${SIXTY};BYSECOND=${SIXTY}`),
  ...of('rule.too_long', `FREQ=YEARLY;BYYEARDAY=${list(1, 366)};BYHOUR=${HOURS};BYMINUTE=${SIXTY}`),
  ...of('rule.too_long', `FREQ=DAILY;${'X'.repeat(100_000)}=1`, `FREQ=DAILY${';'.repeat(100_000)}`),
  ...of('rule.too_long', `FREQ=WEEKLY;BYDAY=${'MO,'.repeat(50_000)}MO`, `FREQ=DAILY;COUNT=${'9'.repeat(600)}`),
  ...of('rule.no_occurrence', 'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30', 'FREQ=HOURLY;INTERVAL=5;BYMONTH=2;BYMONTHDAY=30'),
  ...of('rule.no_occurrence', 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30', 'FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30'),
  ...of('rule.no_occurrence', 'FREQ=MONTHLY;BYMONTHDAY=3;BYSETPOS=3', 'FREQ=DAILY;BYHOUR=9;BYSETPOS=2'),
  ...of('rule.no_occurrence', 'FREQ=HOURLY;BYMINUTE=0;BYSETPOS=366', 'FREQ=HOURLY;INTERVAL=2;BYHOUR=10'),
  ...of(
    'rule.no_occurrence',
    'FREQ=MONTHLY;BYDAY=20MO',
    'FREQ=YEARLY;BYYEARDAY=366;BYMONTH=3',
    'FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6',
  ),
  ...of('rule.no_occurrence', 'FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1', 'FREQ=WEEKLY;INTERVAL=10000;BYDAY=TH;BYMONTH=7'),
  ...of(
    'rule.no_occurrence',
    'FREQ=DAILY;INTERVAL=7;BYDAY=MO',
    'FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29;COUNT=2000',
  ),
  ...of(
    'rule.out_of_range',
    'FREQ=DAILY;INTERVAL=-1',
    'FREQ=DAILY;INTERVAL=0',
    'FREQ=DAILY;INTERVAL=.007',
    'FREQ=DAILY;INTERVAL=abc',
  ),
  ...of(
    'rule.out_of_range',
    'FREQ=DAILY;INTERVAL=1e3',
    'FREQ=DAILY;INTERVAL=999999999',
    'FREQ=DAILY;COUNT=0',
    'FREQ=DAILY;COUNT=-5',
  ),
  ...of(
    'rule.out_of_range',
    'FREQ=DAILY;COUNT=20001',
    'FREQ=DAILY;COUNT=1000000000',
    'FREQ=DAILY;BYHOUR=99',
    'FREQ=DAILY;BYHOUR=-1',
  ),
  ...of(
    'rule.out_of_range',
    'FREQ=MONTHLY;BYMONTHDAY=0',
    'FREQ=MONTHLY;BYMONTHDAY=32',
    'FREQ=YEARLY;BYWEEKNO=54',
    'FREQ=YEARLY;BYMONTH=13',
  ),
  ...of(
    'rule.out_of_range',
    'FREQ=DAILY;BYMINUTE=60',
    'FREQ=DAILY;BYSECOND=61',
    'FREQ=DAILY;BYDAY=XX',
    'FREQ=MONTHLY;BYDAY=0MO',
  ),
  ...of(
    'rule.out_of_range',
    'FREQ=MONTHLY;BYDAY=54MO',
    'FREQ=YEARLY;BYYEARDAY=367',
    'FREQ=DAILY;BYDAY=MO;BYSETPOS=0',
    'FREQ=DAILY;WKST=1',
  ),
  ...of('rule.out_of_range', 'FREQ=NEVER', 'FREQ=DAILY;BYHOUR=1,,2', 'FREQ=DAILY;BYHOUR=1 2', 'FREQ=DAILY;BYHOUR=0x1'),
  ...of('rule.duplicate_part', 'FREQ=DAILY;FREQ=SECONDLY', 'FREQ=DAILY;COUNT=1;COUNT=2'),
  ...of(
    'rule.unknown_part',
    'FREQ=DAILY;BYEASTER=1',
    'FREQ=DAILY;X-A=1',
    'FREQ=DAILY;__PROTO__=1',
    'FREQ=DAILY;CONSTRUCTOR=1',
  ),
  ...of('rule.unknown_part', 'FREQ=DAILY;RSCALE=CHINESE', 'FREQ=DAILY;DTSTART=20260101T000000Z', 'FREQ=DAILY;TZID=UTC'),
  ...of(
    'rule.malformed',
    '',
    ';',
    'FREQ',
    'FREQ=',
    '=DAILY',
    'FREQ=DAILY;',
    'FREQ=DAILY;;COUNT=1',
    'FREQ==DAILY',
    'FREQ=DAILY=1',
  ),
  ...of('rule.malformed', 'FREQ=DAILY\u0000', 'freq=daıly', 'FREQ=DAILY;BYDAY=МО', 'every day'),
  ...of('rule.no_frequency', 'COUNT=5', 'INTERVAL=2;BYDAY=MO'),
  ...of(
    'rule.combination',
    'FREQ=DAILY;COUNT=5;UNTIL=20270101T000000Z',
    'FREQ=DAILY;BYSETPOS=1',
    'FREQ=MONTHLY;BYSETPOS=-1;WKST=SU',
  ),
  ...of(
    'rule.combination',
    'FREQ=MONTHLY;BYWEEKNO=20',
    'FREQ=WEEKLY;BYYEARDAY=1',
    'FREQ=WEEKLY;BYMONTHDAY=1',
    'FREQ=WEEKLY;BYDAY=1MO',
  ),
  ...of(
    'rule.combination',
    'FREQ=DAILY;BYDAY=-1SU',
    'FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO',
    'FREQ=HOURLY;INTERVAL=6;BYDAY=2MO',
  ),
  ...of('rule.until_invalid', 'FREQ=DAILY;UNTIL=20270230', 'FREQ=DAILY;UNTIL=tomorrow', 'FREQ=DAILY;UNTIL=99991301'),
  ...of(
    'rule.until_invalid',
    'FREQ=DAILY;UNTIL=20270101T250000Z',
    'FREQ=DAILY;UNTIL=2027-01-01',
    'FREQ=DAILY;UNTIL=20270101T000000+0200',
  ),
  ...of(
    'rule.until_before_start',
    'FREQ=DAILY;UNTIL=20200101T000000Z',
    'FREQ=DAILY;UNTIL=20260101T085959Z',
    'FREQ=DAILY;UNTIL=20251231',
  ),
  ...of('rule.too_frequent', 'FREQ=HOURLY;BYMINUTE=0,30', `FREQ=DAILY;BYHOUR=${HOURS};BYSECOND=0,1`),
  { rrule: 'FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30', refused: 'rule.no_occurrence', start: '1900-01-01T00:00:00' },
  { rrule: 'FREQ=MINUTELY', refused: 'rule.too_frequent', start: '1970-01-01T00:00:00' },
];

/** When they begin. */
export const HOSTILE_START = '2026-01-01T09:00:00';
