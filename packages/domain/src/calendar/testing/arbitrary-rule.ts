import fc from 'fast-check';

const WEEKDAYS = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];

const numbers = (min: number, max: number, maxLength = 3): fc.Arbitrary<string> =>
  fc.uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength }).map((list) => list.join(','));

/** From one end or the other, never 0; often where months, years and weeks differ in length. */
const signed = (max: number, maxLength = 3): fc.Arbitrary<string> =>
  fc
    .uniqueArray(
      fc.tuple(fc.oneof(fc.integer({ min: 1, max }), fc.constantFrom(1, max - 2, max - 1, max)), fc.boolean()),
      {
        minLength: 1,
        maxLength,
        selector: ([n, is_negative]) => (is_negative ? -n : n),
      },
    )
    .map((list) => list.map(([n, is_negative]) => (is_negative ? -n : n)).join(','));

const weekdays = fc
  .uniqueArray(fc.constantFrom(...WEEKDAYS), { minLength: 1, maxLength: 4 })
  .map((list) => list.join(','));

/** Weekdays of which some have a number up to `max`. */
const numberedWeekdays = (max: number): fc.Arbitrary<string> =>
  fc
    .uniqueArray(
      fc
        .tuple(fc.integer({ min: -max, max }), fc.constantFrom(...WEEKDAYS))
        .map(([n, day]) => `${n === 0 ? '' : n}${day}`),
      { minLength: 1, maxLength: 3 },
    )
    .map((list) => list.join(','));

/** Each part is there or not. */
const some = (parts: Record<string, fc.Arbitrary<string>>): fc.Arbitrary<string[]> =>
  fc
    .tuple(
      ...Object.entries(parts).map(([name, values]) =>
        fc.option(
          values.map((value) => `${name}=${value}`),
          { freq: 2 },
        ),
      ),
    )
    .map((list) => list.filter((part) => part !== null));

const times = { BYHOUR: numbers(0, 23, 2), BYMINUTE: numbers(0, 59, 2) };
const months = { BYMONTH: numbers(1, 12) };

const by_frequency: Record<string, fc.Arbitrary<string[]>> = {
  YEARLY: fc.oneof(
    some({ ...months, BYMONTHDAY: signed(31), BYDAY: numberedWeekdays(5), ...times }),
    some({ ...months, BYYEARDAY: signed(366, 6), BYDAY: weekdays, BYHOUR: numbers(0, 23, 2) }),
    some({ BYDAY: numberedWeekdays(53), BYMINUTE: numbers(0, 59, 2) }),
    fc
      .tuple(
        signed(53, 6).map((weeks) => `BYWEEKNO=${weeks}`),
        some({ BYDAY: weekdays, ...months }),
      )
      .map(([weeks, others]) => [weeks, ...others]),
  ),
  MONTHLY: some({ ...months, BYMONTHDAY: signed(31, 5), BYDAY: numberedWeekdays(5), ...times }),
  WEEKLY: some({ ...months, BYDAY: weekdays, ...times }),
  DAILY: some({ ...months, BYMONTHDAY: signed(31, 8), BYDAY: weekdays, ...times }),
  HOURLY: some({ ...months, BYDAY: weekdays, BYHOUR: numbers(0, 23, 6), BYMINUTE: numbers(0, 59, 2) }),
};

const rest = fc.record({
  interval: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 7 })),
  count: fc.option(fc.integer({ min: 1, max: 60 }), { freq: 3 }),
  wkst: fc.option(fc.constantFrom(...WEEKDAYS), { freq: 3 }),
  setpos: fc.option(signed(4, 2), { freq: 3 }),
});

/** A rule that RFC 5545 allows, of any frequency down to HOURLY, without UNTIL. */
export const arbitraryRule = fc
  .constantFrom(...Object.keys(by_frequency))
  .chain((freq) => fc.tuple(fc.constant(freq), by_frequency[freq]!, rest))
  .map(([freq, parts, { interval, count, wkst, setpos }]) =>
    [
      `FREQ=${freq}`,
      ...(interval > 1 ? [`INTERVAL=${interval}`] : []),
      ...(count === null ? [] : [`COUNT=${count}`]),
      ...parts,
      ...(setpos !== null && parts.length > 0 ? [`BYSETPOS=${setpos}`] : []),
      ...(wkst === null ? [] : [`WKST=${wkst}`]),
    ].join(';'),
  );

/** A wall clock between 1996 and 2030, in minutes. */
export const arbitraryStart = fc
  .integer({ min: Date.UTC(1996, 0, 1) / 60_000, max: Date.UTC(2030, 0, 1) / 60_000 })
  .map((minute) => minute * 60_000);

/** Zones with gaps of an hour, of half an hour, at midnight, by religious calendar; without any; and none at all. */
export const arbitraryZone = fc.constantFrom(
  ...[
    'America/New_York',
    'Europe/Berlin',
    'Australia/Lord_Howe',
    'Africa/Cairo',
    'Africa/Casablanca',
    'America/Sao_Paulo',
  ],
  ...['America/St_Johns', 'Pacific/Auckland', 'Asia/Jakarta', 'Pacific/Apia', 'UTC'],
);
