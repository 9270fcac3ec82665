import { materialiseSchedule } from '@potentia/domain/calendar/materialise-schedule';
import { jobCtx } from '@potentia/domain/calendar/testing/instance-kit';
import { oracle_cases } from '@potentia/domain/calendar/testing/oracle-cases';
import type { RuleCase } from '@potentia/domain/calendar/testing/rule-cases';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { person, type Person, startApi, type TestApi } from '../testing/api.ts';

const DAY_MS = 86_400_000;

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

const ofDay = (each: RuleCase, local: string): string => (each.allDay ? local.slice(0, 10) : local);

/** What a schedule of a case is made of. */
const bodyOf = (each: RuleCase) => ({
  title: each.id,
  starts_local: ofDay(each, each.dtstart),
  time_zone: each.tzid === 'floating' ? null : each.tzid,
  is_all_day: each.allDay ?? false,
  rrule: each.rrule,
  rdates: (each.rdate ?? []).map((local) => ofDay(each, local)),
  exdates: (each.exdate ?? []).map((local) => ofDay(each, local)),
});

/** The starts in the window of a case, of one schedule. */
async function viewed(each: RuleCase, calendar_id: string, schedule_id: string): Promise<string[]> {
  const [from = '', to = ''] = each.window;
  const query = new URLSearchParams({ from, to, calendar_id, time_zone: 'UTC', limit: '5000' });
  const { status, body } = await api.call(owner, 'GET', `/api/v1/view/schedules?${query.toString()}`);
  expect(body.errors ?? status).toBe(200);
  return (body.items as { schedule_id: string; starts_at: string }[])
    .filter((item) => item.schedule_id === schedule_id && item.starts_at >= from)
    .map(({ starts_at }) => starts_at);
}

/** Schedules begin in 1900 at the earliest, and recur hourly at most; a view is of 400 days. */
const taken = oracle_cases.filter(({ dtstart, rrule, window: [from = '', to = ''] }) => {
  if (dtstart < '1900' || /FREQ=(SECOND|MINUTE)LY/.test(rrule)) return false;
  return Date.parse(to) - Date.parse(from) <= 400 * DAY_MS;
});

describe('what an oracle says is what a view shows, before and after jobs have written it, and what a check says', () => {
  it.each(taken.map((each) => [`${each.id}: ${each.rrule}`, each] as const))('%s', async (_name, each) => {
    const body = bodyOf(each);
    const lasting = { ...body, duration_seconds: each.allDay ? 86_400 : 60 };
    const made = await api.call(owner, 'POST', '/api/v1/schedules', lasting);
    expect(made.status, made.text).toBe(201);
    const { calendar_id, id: schedule_id } = made.body as { calendar_id: string; id: string };
    expect(await viewed(each, calendar_id, schedule_id)).toEqual(each.expected);

    const now = new Date(Date.parse(each.window[0] ?? '') + 30 * DAY_MS);
    const ctx = jobCtx(backends.database.job_db, () => now);
    await materialiseSchedule(ctx, { payload: { schedule_id } });
    expect(ctx.rows.written).toBeGreaterThanOrEqual(each.expected.length);
    expect(await viewed(each, calendar_id, schedule_id)).toEqual(each.expected);

    const check = { ...body, from: each.window[0], title: undefined };
    const { body: checked } = await api.call(owner, 'POST', '/api/v1/schedules/check-rule', check);
    expect(checked).toMatchObject({ ok: true });
    const next = (checked.next as { starts_at: string | null; starts_local: string }[])
      .map(({ starts_at, starts_local }) => starts_at ?? `${starts_local.padEnd(19, 'T00:00:00').slice(0, 19)}Z`)
      .filter((starts_at) => starts_at < (each.window[1] ?? ''));
    expect(next).toEqual(each.expected.slice(0, 10));
  });
});
