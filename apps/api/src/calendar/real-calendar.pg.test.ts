import { readFileSync } from 'node:fs';
import {
  byTimeAndTitle,
  readIndependently,
  type ReadOccurrence,
} from '@potentia/domain/calendar/testing/independent-reader';
import { largeExport } from '@potentia/domain/calendar/testing/large-export';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { person, type Person, startApi, type TestApi } from '../testing/api.ts';

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

interface Item {
  title: string;
  starts_at: string;
  ends_at: string;
  is_all_day: boolean;
}

/** Every page of what stands in one calendar. */
async function view(calendar_id: string, from: Date, to: Date): Promise<ReadOccurrence[]> {
  const items: Item[] = [];
  let cursor: string | null = null;
  do {
    const query = new URLSearchParams({
      calendar_id,
      from: from.toISOString(),
      to: to.toISOString(),
      time_zone: 'UTC',
    });
    if (cursor !== null) query.set('cursor', cursor);
    const { status, body } = await api.call(owner, 'GET', `/api/v1/view/schedules?${query.toString()}`);
    expect(body.errors ?? status).toBe(200);
    items.push(...(body.items as Item[]));
    cursor = body.next_cursor as string | null;
  } while (cursor !== null);
  return items
    .map(({ title, starts_at, ends_at, is_all_day }) => ({
      title,
      start: is_all_day ? starts_at.slice(0, 10) : iso(starts_at),
      end: is_all_day ? ends_at.slice(0, 10) : iso(ends_at),
    }))
    .sort(byTimeAndTitle);
}

const iso = (text: string): string => new Date(text).toISOString().replace('.000Z', 'Z');

it.each([
  [
    'a file of public holidays',
    readFileSync(new URL('../../../../packages/domain/src/calendar/testing/holidays.ics', import.meta.url), 'utf8'),
  ],
  ['a large export with overrides, in five zones', largeExport(800)],
])('%s: each month of the view is what an independent reader computes', async (name, ics) => {
  const calendar_id = (await api.call(owner, 'POST', '/api/v1/calendars', { name })).body.id as string;
  const imported = await api.call(owner, 'POST', `/api/v1/calendars/${calendar_id}/import`, { ics });
  expect(imported.body).toMatchObject({ updated: 0, problems: [] });
  let seen = 0;
  for (let month = 0; month < 14; month++) {
    const [from, to] = [new Date(Date.UTC(2026, month, 1)), new Date(Date.UTC(2026, month + 1, 1))];
    const ours = await view(calendar_id, from, to);
    expect(ours).toEqual(readIndependently(ics, from, to));
    seen += ours.length;
  }
  expect(seen).toBeGreaterThan(10);
});
