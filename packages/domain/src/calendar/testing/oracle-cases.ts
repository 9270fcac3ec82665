import cases from './oracle-cases.json' with { type: 'json' };
import type { RuleCase } from './rule-cases.ts';

/**
 * The most telling of 21,800 cases: each side of clock changes of 29 zones, and random rules. What is right was worked out by a program
 * that asks of each day and time of a period whether RFC 5545 3.3.10 has it, and turns wall clocks into instants by Python's zoneinfo
 * (gap: by the offset before; overlap: the first). python-dateutil 2.9.0 and libical 3.0.16 gave the same in most cases. Where they did
 * not, which is in two thirds of those in some categories here, the text of the RFC decided: they take BYSETPOS wrongly in a first week
 * that is partial, or BYWEEKNO without BYDAY, or do not count from the end the weeks that belong to the next year.
 */
export const oracle_cases: readonly RuleCase[] = cases;
