import { expect, test } from 'vitest';
import { localsOf, rfc_examples } from '../testing/rfc-examples.ts';
import { ruleSeries } from '../testing/rule-cases.ts';
import { expandSeries } from './expand.ts';
import { parseLocal, printLocal, toInstant, toLocal } from './zones.ts';

const ZONE = 'America/New_York';

test.each(rfc_examples.map((example) => [`${example.rrule} from ${example.start}`, example] as const))(
  'RFC 5545 3.8.5.3: %s',
  (_name, example) => {
    const expected = localsOf(example);
    const series = {
      ...ruleSeries(example.start, ZONE, example.rrule),
      exdates: example.exdate ? [example.exdate] : [],
    };
    // What goes on is asked as far as it is printed, what ends for ten years more.
    const last = toInstant(parseLocal(expected.at(-1)!), ZONE);
    const window = { from: 0, to: example.goes_on ? last + 1 : last + 3_660 * 86_400_000 };
    const found = expandSeries(series, window);
    expect(found.map(({ recurrence_id }) => recurrence_id)).toEqual(expected);
    expect(found.map(({ starts_at }) => printLocal(toLocal(starts_at, ZONE), false))).toEqual(expected);
  },
);
