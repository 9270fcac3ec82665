/**
 * Expansion beside `rrule` (floating, because its zones are wrong) and `rrule-temporal` (in the same zone as ours), on the same rules and
 * windows: each is given the text of the rule, as it comes from a database, and answers the occurrences of the window. Interleaved,
 * median of 7; how many times faster we are than the better of the two. Then each hostile rule with the time that it takes us to
 * refuse it, and to expand it all the same. Run: `node packages/domain/bench/expansion.ts`.
 */
import rruleLibrary from 'rrule';
import { RRuleTemporal } from 'rrule-temporal';
import { BudgetExceeded, expandSeries } from '../src/calendar/rules/expand.ts';
import { refuseRule } from '../src/calendar/rules/rule.ts';
import type { Window } from '../src/calendar/rules/series.ts';
import { HOSTILE_START, hostile_rules } from '../src/calendar/testing/hostile-rules.ts';
import { ruleSeries } from '../src/calendar/testing/rule-cases.ts';

const ROUNDS = 7;
/** Milliseconds that an engine has in a round, for each rule and window. */
const SLICE = 40;
const ZONE = 'America/New_York';
/** How much faster we are to be than the better of the two. */
const REQUIRED = 3;

const YEAR: Window = { from: Date.UTC(2026, 0, 1), to: Date.UTC(2027, 0, 1) };
const MONTH: Window = { from: Date.UTC(2026, 5, 1), to: Date.UTC(2026, 6, 1) };

interface Case {
  kind: string;
  rrule: string;
  start: string;
  window: Window;
}

const WORKDAYS = 'BYDAY=MO,TU,WE,TH,FR';
const kinds: [kind: string, start: string, rrule: string][] = [
  ['daily', '2026-01-01', 'FREQ=DAILY'],
  ['daily', '2026-01-01', `FREQ=DAILY;${WORKDAYS}`],
  ['weekly', '2026-01-01', 'FREQ=WEEKLY;BYDAY=MO,WE,FR'],
  ['weekly', '2026-01-01', 'FREQ=WEEKLY;INTERVAL=2;BYDAY=TU'],
  ['monthly', '2026-01-13', 'FREQ=MONTHLY;BYDAY=2TU'],
  ['monthly', '2026-01-15', 'FREQ=MONTHLY;BYMONTHDAY=15,-1'],
  ['by position', '2026-01-30', `FREQ=MONTHLY;${WORKDAYS};BYSETPOS=-1`],
  ['by position', '2026-01-01', 'FREQ=YEARLY;BYMONTH=1,6,12;BYDAY=TH,FR;BYSETPOS=1,-1'],
  ['yearly', '2025-06-15', 'FREQ=YEARLY;BYMONTH=6;BYMONTHDAY=15'],
  ['yearly', '2025-05-12', 'FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO'],
  ['old start', '1990-01-01', 'FREQ=DAILY'],
  ['old start', '1990-01-01', 'FREQ=WEEKLY;BYDAY=MO,WE,FR'],
  ['old start', '1990-01-09', 'FREQ=MONTHLY;BYDAY=2TU'],
  ['old start, COUNT', '1990-01-01', 'FREQ=DAILY;COUNT=15000'],
  ['old start, COUNT', '1990-01-01', 'FREQ=WEEKLY;BYDAY=MO,WE,FR;COUNT=6000'],
  ['old start, COUNT', '1990-01-09', 'FREQ=MONTHLY;BYDAY=2TU,-1FR;COUNT=1000'],
];
const cases: Case[] = kinds.flatMap(([kind, day, rrule]) =>
  [YEAR, MONTH].map((window) => ({ kind, rrule, start: `${day}T09:00:00`, window })),
);

/** How many occurrences it found. */
type Engine = (each: Case) => number;
const engines: Record<'ours' | 'rrule' | 'rrule-temporal', Engine> = {
  ours: ({ start, rrule, window }) => expandSeries(ruleSeries(start, ZONE, rrule), window).length,
  rrule({ start, rrule, window }) {
    const dtstart = new Date(`${start}Z`);
    const rule = new rruleLibrary.RRule({ ...rruleLibrary.RRule.parseString(rrule), dtstart }, true);
    return rule.between(new Date(window.from), new Date(window.to - 1), true).length;
  },
  'rrule-temporal'({ start, rrule, window }) {
    const dtstart = start.replaceAll(/[-:]/g, '');
    const rruleString = `DTSTART;TZID=${ZONE}:${dtstart}\nRRULE:${rrule}`;
    const rule = new RRuleTemporal({
      rruleString,
      cache: false,
      maxIterations: 1_000_000,
      maxCandidateEvaluations: 10_000_000,
    });
    return rule.between(new Date(window.from), new Date(window.to - 1), true).length;
  },
};
const names = Object.keys(engines) as (keyof typeof engines)[];

/** Microseconds of one expansion. */
function measure(engine: Engine, each: Case): number {
  const began = performance.now();
  let times = 0;
  do {
    engine(each);
    times++;
  } while (performance.now() - began < SLICE);
  return ((performance.now() - began) * 1_000) / times;
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

function compare(): boolean {
  const samples = cases.map((): Record<keyof typeof engines, number[]> => ({
    ours: [],
    rrule: [],
    'rrule-temporal': [],
  }));
  for (const each of cases) {
    const found = names.map((name) => engines[name](each));
    if (new Set(found).size > 1) console.log(`${each.rrule}: not the same occurrences: ${found.join(', ')}`);
  }
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [at, each] of cases.entries()) {
      for (const name of names) {
        const us = measure(engines[name], each);
        // The first round warms up.
        if (round > 0) samples[at]![name].push(us);
      }
    }
  }
  const medians = samples.map((sample) => names.map((name) => median(sample[name])));
  const rows: Record<string, object> = {};
  const summed: Record<string, number[]> = {};
  for (const [at, { kind, start, rrule, window }] of cases.entries()) {
    const us = medians[at]!;
    rows[`${start.slice(0, 4)} ${rrule}, ${window === YEAR ? 'a year' : 'a month'}`] = row(us);
    for (const name of [kind, 'all']) summed[name] = us.map((value, i) => value + (summed[name]?.[i] ?? 0));
  }
  console.log(
    `microseconds of an expansion (median of ${ROUNDS}), and how many times faster ours is than the better of the two`,
  );
  console.table(rows);
  console.table(Object.fromEntries(Object.entries(summed).map(([kind, us]) => [kind, row(us)])));
  const slow = Object.entries(summed).filter(([, us]) => ratioOf(us) < REQUIRED);
  console.log(
    slow.length === 0
      ? `at least ${REQUIRED} times faster in each class`
      : `slower than ${REQUIRED} times: ${slow.map(([kind]) => kind).join(', ')}`,
  );
  return slow.length === 0;
}

const ratioOf = ([ours, ...others]: number[]): number => Math.min(...others) / ours!;
const row = (us: number[]): object => ({
  ...Object.fromEntries(names.map((name, i) => [name, us[i]!.toFixed(1)])),
  faster: `${ratioOf(us).toFixed(1)}x`,
});

/** The longest that a hostile rule may take, in milliseconds. */
const HOSTILE_LIMIT = 100;

function timeHostile(): boolean {
  const time = (work: () => unknown): [ms: number, outcome: string] => {
    const began = performance.now();
    let outcome: string;
    try {
      outcome = String(work());
    } catch (error) {
      outcome = error instanceof BudgetExceeded ? 'budget' : error instanceof RangeError ? 'no rule' : String(error);
    }
    return [performance.now() - began, outcome];
  };
  let longest = 0;
  const rows = hostile_rules.map(({ rrule, start = HOSTILE_START }) => {
    const frame = { starts_local: start, time_zone: ZONE, is_all_day: false };
    const [refused_ms, refusal] = time(() => refuseRule(rrule, frame)?.code);
    const [expanded_ms, expanded] = time(() => expandSeries(ruleSeries(start, ZONE, rrule), YEAR).length);
    longest = Math.max(longest, refused_ms, expanded_ms);
    const rule = rrule.length > 60 ? `${rrule.slice(0, 57)}… (${rrule.length})` : rrule;
    return {
      rule,
      refusal,
      'refused in ms': refused_ms.toFixed(2),
      expanded,
      'expanded in ms': expanded_ms.toFixed(2),
    };
  });
  console.table(rows);
  console.log(`${rows.length} hostile rules, each for the first time; the longest took ${longest.toFixed(1)} ms`);
  return longest < HOSTILE_LIMIT;
}

const is_fast = compare();
const is_bounded = timeHostile();
process.exitCode = is_fast && is_bounded ? 0 : 1;
