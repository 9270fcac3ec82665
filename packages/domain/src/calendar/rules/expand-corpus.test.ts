import { expect, test } from 'vitest';
import { oracle_cases } from '../testing/oracle-cases.ts';
import { expandCase } from '../testing/rule-cases.ts';

test.each(oracle_cases.map((each) => [`${each.id}: ${each.rrule}`, each] as const))('%s', (_name, each) => {
  expect(expandCase(each)).toEqual(each.expected);
});
