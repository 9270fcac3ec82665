import { expect, test } from 'vitest';
import cases from '../testing/oracle-cases.json' with { type: 'json' };
import { expandCase, type RuleCase } from '../testing/rule-cases.ts';

/*
 * The most telling of 21,800 cases: each side of clock changes of 29 zones, and random rules. What is right was worked out by a program
 * that asks each day and second of a period whether RFC 5545 3.3.10 has it, and turns wall clocks into instants by Python's zoneinfo
 * (gap: by the offset before; overlap: the first). python-dateutil 2.9.0 and libical 3.0.16 gave the same in most cases; where they did
 * not, which are two thirds of those in some categories here, the text of the RFC decided: both take BYSETPOS wrongly in a first week
 * that is partial, or BYWEEKNO without BYDAY, or weeks counted from the end of the next year.
 */
test.each(cases.map((each: RuleCase) => [`${each.id}: ${each.rrule}`, each] as const))('%s', (_name, each) => {
  expect(expandCase(each)).toEqual(each.expected);
});
