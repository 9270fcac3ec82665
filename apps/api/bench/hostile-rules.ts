/*
 * How long the doors take over hostile rules: check-rule and the creation of a schedule, over HTTP without a network. Of each the median
 * of 7 rounds, beside a rule that is answered at once. Ends with exit code 1 when one takes 100 ms or longer.
 *   node apps/api/bench/hostile-rules.ts
 */
import { HOSTILE_START, hostile_rules } from '@potentia/domain/calendar/testing/hostile-rules';
import { startBackends } from '@potentia/domain/platform/testing/backends';
import { person, startApi } from '../src/testing/api.ts';

const ROUNDS = 7;
const SOON_MS = 100;
const PLAIN = 'FREQ=WEEKLY;BYDAY=MO';

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;

await using backends = await startBackends();
await using api = await startApi(backends);
const owner = await person(backends.issuer);
await api.call(owner, 'GET', '/api/v1/me');

const doors = {
  'check-rule': (rrule: string, starts_local: string) =>
    api.call(owner, 'POST', '/api/v1/schedules/check-rule', { starts_local, time_zone: 'UTC', rrule }),
  'POST /schedules': (rrule: string, starts_local: string) =>
    api.call(owner, 'POST', '/api/v1/schedules', {
      ...{ title: 'x', duration_seconds: 60, transparency: 'transparent', starts_local, time_zone: 'UTC', rrule },
    }),
};
const times = new Map<string, number[]>();
for (let round = 0; round <= ROUNDS; round++) {
  for (const [door, ask] of Object.entries(doors)) {
    for (const { rrule, start = HOSTILE_START } of [{ rrule: PLAIN, start: '2026-01-05T09:00:00' }, ...hostile_rules]) {
      const began = performance.now();
      await ask(rrule, start);
      const key = `${door} ${rrule.slice(0, 60)}`;
      if (round > 0) times.set(key, [...(times.get(key) ?? []), performance.now() - began]);
    }
  }
}
const rows = [...times].map(([name, values]) => ({ name, ms: median(values) })).sort((a, b) => b.ms - a.ms);
const plain = rows.find(({ name }) => name === `check-rule ${PLAIN}`)?.ms ?? NaN;
console.table(
  rows.slice(0, 10).map(({ name, ms }) => ({ name, ms: ms.toFixed(1), 'of a plain rule': (ms / plain).toFixed(1) })),
);
const slowest = rows[0]?.ms ?? NaN;
console.log(
  `${hostile_rules.length} hostile rules at ${Object.keys(doors).length} doors: the slowest took ${slowest.toFixed(1)} ms`,
);
if (!(slowest < SOON_MS)) process.exitCode = 1;
