import { expandSeries } from '@potentia/domain/calendar/rules/expand';
import type { Series } from '@potentia/domain/calendar/rules/series';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Answer, person, type Person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;
let api: TestApi;
let owner: Person;
beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
  owner = await person(backends.issuer);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

const BASE = { title: 'Standup', duration_seconds: 900, transparency: 'transparent', time_zone: 'Europe/Berlin' };
const SERIES = [
  { starts_local: '2026-03-24T02:30:00', rrule: 'FREQ=DAILY;COUNT=12' },
  { starts_local: '2026-03-02T09:00:00', rrule: 'FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20260601T000000Z' },
  {
    starts_local: '2026-01-30T18:00:00',
    rrule: 'FREQ=MONTHLY;BYMONTHDAY=-1,30;COUNT=9',
    exdates: ['2026-02-28T18:00:00'],
  },
  {
    starts_local: '2026-10-20T09:00:00',
    rrule: 'FREQ=DAILY;COUNT=10',
    rdates: ['2026-12-01T12:00:00'],
    time_zone: null,
  },
  {
    starts_local: '2026-03-02',
    rrule: 'FREQ=DAILY;INTERVAL=3;COUNT=8',
    duration_seconds: 86_400,
    time_zone: undefined,
  },
  { starts_local: '2026-03-02T09:00:00', rdates: ['2026-03-09T09:00:00', '2026-03-30T11:00:00'] },
];

/** Starts and ends of every occurrence of schedules as they are answered, from before to after everything here. */
const WINDOW = { from: Date.UTC(2025, 0, 1), to: Date.UTC(2028, 0, 1) };
const timesOf = (schedules: (Series & { id: string })[]): string[] =>
  schedules
    .flatMap((one) => expandSeries(one, WINDOW).map(({ starts_at, ends_at }) => `${starts_at} ${ends_at}`))
    .toSorted();

interface Previewed {
  starts_local: string;
  ends_local: string;
  starts_at: string | null;
  ends_at: string | null;
}
const spanOf = ({ starts_local, ends_local, starts_at, ends_at }: Previewed): string => {
  const local = (text: string) => Date.parse(text.includes('T') ? `${text}Z` : text);
  return `${starts_at === null ? local(starts_local) : Date.parse(starts_at)} ${ends_at === null ? local(ends_local) : Date.parse(ends_at)}`;
};

const edit = fc.record({
  series: fc.nat(SERIES.length - 1),
  method: fc.constantFrom('PATCH', 'DELETE', 'POST'),
  scope: fc.constantFrom('this', 'following', 'all'),
  nth: fc.nat(11),
  days: fc.integer({ min: -3, max: 3 }),
  minutes: fc.constantFrom(0, 30, 300),
  change: fc.constantFrom('title', 'start', 'length', 'rule', 'dates'),
});

it('says what happens when the same is then done: no occurrence more or less', async () => {
  let done = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
      const made = await api.call(owner, 'POST', '/api/v1/schedules', { ...BASE, ...SERIES[edits[0]?.series ?? 0] });
      expect(made.status, made.text).toBe(201);
      let schedules: Answer['body'][] = [made.body];
      for (const { method, scope, nth, days, minutes, change } of edits) {
        const current = schedules[0];
        if (current === undefined) return;
        const occurrences = expandSeries(current, WINDOW);
        const named = occurrences[nth % Math.max(occurrences.length, 1)];
        if (named === undefined) return;
        const { is_all_day } = current;
        const at = Date.parse(is_all_day ? named.recurrence_id : `${named.recurrence_id}Z`) + days * 86_400_000;
        const starts_local = new Date(at + (is_all_day ? 0 : minutes * 60_000))
          .toISOString()
          .slice(0, is_all_day ? 10 : 19);
        const bodies = {
          title: { title: 'New' },
          start: { starts_local },
          length: { duration_seconds: is_all_day ? 172_800 : 60 * minutes },
          rule: { rrule: 'FREQ=DAILY;COUNT=4' },
          dates: { exdates: [named.recurrence_id] },
        };
        const body = method === 'DELETE' ? undefined : method === 'POST' ? bodies.start : bodies[change];
        const anchored = method !== 'DELETE' && body === bodies.start;
        const query = `scope=${scope}${scope === 'all' && !anchored ? '' : `&recurrence_id=${named.recurrence_id}`}`;
        const path = `/api/v1/schedules/${current.id}${method === 'POST' ? '/move' : ''}?${query}`;
        const preview = await api.call(owner, method, `${path}&dry_run=true`, body);
        const answer = await api.call(owner, method, path, body);
        expect([200, 204, 400], answer.text).toContain(answer.status);
        if (answer.status === 400) {
          expect(preview.body.code, preview.text).toBe(answer.body.code);
          continue;
        }
        expect(preview.status, preview.text).toBe(200);
        const before = timesOf(schedules);
        const rest = schedules.slice(1);
        const left = await api.call(owner, 'GET', `/api/v1/schedules/${current.id}`);
        const cut_off = answer.status === 200 ? answer.body.cut_off : null;
        schedules = [...(left.status === 200 ? [left.body] : []), ...(cut_off ? [cut_off] : []), ...rest];
        const { added, removed, moved } = preview.body as Record<string, { items: never[] }>;
        const moves = moved?.items as { from: Previewed; to: Previewed }[];
        const gone = [...(removed?.items as Previewed[]), ...moves.map(({ from }) => from)].map(spanOf);
        const come = [...(added?.items as Previewed[]), ...moves.map(({ to }) => to)].map(spanOf);
        for (const span of gone) {
          expect(before, `${method} ${query} ${JSON.stringify(body)}`).toContain(span);
          before.splice(before.indexOf(span), 1);
        }
        expect(timesOf(schedules), `${method} ${query} ${JSON.stringify(body)}`).toEqual(
          [...before, ...come].toSorted(),
        );
        done += 1;
      }
    }),
    { numRuns: 60 },
  );
  expect(done).toBeGreaterThan(50);
}, 60_000);
