import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { person, type Person, startApi, type TestApi } from '../testing/api.ts';

let backends: Backends;
let api: TestApi;
let anybody: Person;
beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
  anybody = await person(backends.issuer);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

const check = (body: object, who: Person | null = anybody) =>
  api.call(who, 'POST', '/api/v1/schedules/check-rule', body);
const start = { starts_local: '2026-03-02T09:00:00', time_zone: 'Asia/Jakarta' };

it('anybody who is signed in learns what a rule would do', async () => {
  const { status, body } = await check({ ...start, rrule: 'FREQ=WEEKLY;BYDAY=MO' });
  expect(status).toBe(200);
  expect(body).toMatchObject({ ok: true, text: 'every week on Monday', last: null });
  expect(body.next).toHaveLength(10);
  expect(body.next[0]).toMatchObject({ starts_at: '2026-03-02T02:00:00Z', offset: '+07:00' });
});

it('or why a schedule is refused it, in the same words', async () => {
  const rrule = 'FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30';
  const { status, body } = await check({ ...start, rrule });
  expect([status, body.ok, body.code, body.pointer]).toEqual([200, false, 'rule.no_occurrence', '/rrule']);
  const schedule = { ...start, rrule, title: 'Never', duration_seconds: 60 };
  const refused = await api.call(anybody, 'POST', '/api/v1/schedules', schedule);
  expect(refused.status).toBe(400);
  expect(refused.text).toContain(body.reason);
});

it('occurrences after the last year that a schedule begins in are answered like others', async () => {
  const end = { starts_local: '2100-12-31T23:59:59', time_zone: 'UTC' };
  const { status, body, text } = await check({ ...end, rrule: 'FREQ=DAILY' });
  expect(status, text).toBe(200);
  expect(body.next[1]).toMatchObject({ recurrence_id: '2101-01-01T23:59:59', starts_local: '2101-01-01T23:59:59' });
});

it('whoever is not signed in learns nothing, and an unknown field is named', async () => {
  expect((await check({ ...start, rrule: 'FREQ=DAILY' }, null)).status).toBe(401);
  const { status, text } = await check({ ...start, rrule: 'FREQ=DAILY', dtstart: '20260302' });
  expect(status).toBe(400);
  expect(text).toContain('/dtstart');
});
