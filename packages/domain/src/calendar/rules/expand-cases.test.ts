import { expect, test } from 'vitest';
import cases from '../testing/rrule-cases.json' with { type: 'json' };
import { expandCase } from '../testing/rule-cases.ts';

test.each(cases.map((each) => [each.id, each] as const))('%s', (_id, each) => {
  expect(expandCase(each)).toEqual(each.expected);
});
