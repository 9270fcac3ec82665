import { readFileSync } from 'node:fs';
import { largeExport } from '@potentia/domain/calendar/testing/large-export';
import { type Backends, startBackends } from '@potentia/domain/platform/testing/backends';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { person, type Person, startApi, type TestApi } from '../testing/api.ts';

const HOLIDAYS = readFileSync(
  new URL('../../../../packages/domain/src/calendar/testing/holidays.ics', import.meta.url),
  'utf8',
);

let backends: Backends;
let api: TestApi;
let owner: Person;
let viewer: Person;
let freebusy: Person;
let member: Person;
let stranger: Person;
let workspace_id: string;
beforeAll(async () => {
  backends = await startBackends();
  api = await startApi(backends);
  [owner, viewer, freebusy, member, stranger] = (await Promise.all(
    Array.from({ length: 5 }, () => person(backends.issuer)),
  )) as [Person, Person, Person, Person, Person];
  for (const who of [owner, viewer, freebusy, member, stranger]) await api.call(who, 'GET', '/api/v1/me');
  workspace_id = (await api.call(owner, 'POST', '/api/v1/workspaces', { name: 'Bureau' })).body.id;
  for (const who of [viewer, freebusy, member])
    await backends.database.asOwner(
      'insert into app.workspace_members (workspace_id, user_id, role) values ($1, $2, $3)',
      [workspace_id, who.user_id, 'member'],
    );
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backends[Symbol.asyncDispose]();
});

async function makeCalendar(name = 'Shared'): Promise<string> {
  const made = await api.call(owner, 'POST', '/api/v1/calendars', { workspace_id, name, time_zone: 'Europe/Berlin' });
  const { id } = made.body as { id: string };
  for (const [who, role] of [[viewer, 'viewer'] as const, [freebusy, 'freebusy'] as const])
    await api.call(owner, 'POST', `/api/v1/calendars/${id}/subscriptions`, { user_id: who.user_id, role });
  return id;
}

const importIcs = (who: Person | null, calendar_id: string, ics: string) =>
  api.call(who, 'POST', `/api/v1/calendars/${calendar_id}/import`, { ics });
const exportIcs = (who: Person | null, calendar_id: string) =>
  api.call(who, 'GET', `/api/v1/calendars/${calendar_id}/export`);

it('a file of public holidays is taken over, once', async () => {
  const calendar_id = await makeCalendar();
  expect(await importIcs(owner, calendar_id, HOLIDAYS)).toMatchObject({
    status: 200,
    body: { name: 'Holidays in Germany', created: 11, updated: 0, unchanged: 0, problems: [] },
  });
  expect((await importIcs(owner, calendar_id, HOLIDAYS)).body).toMatchObject({ created: 0, updated: 0, unchanged: 11 });
  const newer = HOLIDAYS.replace('SUMMARY:Karfreitag', 'SUMMARY:Good Friday');
  expect((await importIcs(owner, calendar_id, newer)).body).toMatchObject({ created: 0, updated: 1, unchanged: 10 });
  const view = '/api/v1/view/schedules?from=2026-04-01T00:00:00Z&to=2026-05-01T00:00:00Z&time_zone=Europe/Berlin';
  const { items } = (await api.call(owner, 'GET', view)).body as { items: { title: string; starts_local: string }[] };
  expect(items.map(({ title, starts_local }) => [title, starts_local])).toEqual([
    ['Good Friday', '2026-04-03'],
    ['Ostern', '2026-04-05'],
    // In Berlin that day begins before the month of UTC ends.
    ['Tag der Arbeit', '2026-05-01'],
  ]);
});

it('an export that comes back into its own calendar changes nothing, and nobody is written to', async () => {
  const calendar_id = await makeCalendar();
  const body = { calendar_id, title: 'Review', starts_local: '2036-03-02T09:00:00', duration_seconds: 900 };
  const guests = [{ user_id: viewer.user_id }, { email: 'ann@example.org' }];
  const { id } = (await api.call(owner, 'POST', '/api/v1/schedules', { ...body, guests })).body;
  const { text } = await exportIcs(owner, calendar_id);
  expect(text).toContain('ORGANIZER');
  const counts = { created: 0, updated: 0, unchanged: 1, problems: [] };
  const role = { role: 'editor' };
  await api.call(owner, 'PATCH', `/api/v1/calendars/${calendar_id}/subscriptions/${viewer.user_id}`, role);
  for (const who of [owner, viewer]) expect((await importIcs(who, calendar_id, text)).body).toMatchObject(counts);
  expect((await api.call(owner, 'GET', `/api/v1/schedules/${id}`)).body.version).toBe(1);
});

it('an occurrence that is shown as cancelled is so in a copy, whatever the series is', async () => {
  const [calendar_id, copy_id] = [await makeCalendar(), await makeCalendar('Copy')];
  const body = { calendar_id, title: 'Daily', starts_local: '2036-03-02T09:00:00', duration_seconds: 900 };
  const made = await api.call(owner, 'POST', '/api/v1/schedules', { ...body, rrule: 'FREQ=DAILY;COUNT=5' });
  const path = `/api/v1/schedules/${made.body.id}`;
  const third = `${path}?scope=this&recurrence_id=2036-03-04T09:00:00`;
  expect((await api.call(owner, 'PATCH', third, { status: 'cancelled' })).status).toBe(200);
  const { text } = await exportIcs(owner, calendar_id);
  expect((await importIcs(owner, calendar_id, text)).body).toMatchObject({ updated: 0, unchanged: 1 });
  expect((await importIcs(owner, copy_id, text)).body).toMatchObject({ created: 1, problems: [] });
  const { id } = (await api.call(owner, 'GET', `/api/v1/calendars/${copy_id}/schedules`)).body.items[0];
  const { overrides } = (await api.call(owner, 'GET', path)).body;
  expect(overrides).toMatchObject([{ status: 'cancelled', is_cancelled: false }]);
  expect((await api.call(owner, 'GET', `/api/v1/schedules/${id}`)).body.overrides).toEqual(overrides);
});

it('text/calendar is taken as it is, and a bad event is named and keeps nothing back', async () => {
  const calendar_id = await makeCalendar();
  const bad = HOLIDAYS.replace('DTSTART;VALUE=DATE:20260106', 'DTSTART;VALUE=DATE:someday');
  const answer = await api.app.inject({
    method: 'POST',
    url: `/api/v1/calendars/${calendar_id}/import`,
    headers: { authorization: `Bearer ${owner.token}`, 'content-type': 'text/calendar' },
    payload: bad,
  });
  expect(answer.json()).toMatchObject({
    created: 10,
    problems: [{ uid: '20260106_dreikoenige@holidays.example.com', skipped: true }],
  });
  expect(await importIcs(owner, calendar_id, 'no calendar')).toMatchObject({
    status: 400,
    body: { code: 'calendar.import_refused', errors: [{ pointer: '/ics' }] },
  });
});

/** What of an export is equal when it says the same: not when it was written. */
const essence = (ics: string): string =>
  ics
    .replace('END:VCALENDAR\r\n', '')
    .replaceAll(/^(DTSTAMP|CREATED|LAST-MODIFIED|SEQUENCE)[:;].*\r\n/gm, '')
    .split(/(?=BEGIN:VEVENT)/)
    .sort()
    .join('');

it('an export that is imported elsewhere gives the same export: overrides, exclusions, zones, alarms, guests', async () => {
  const [from, to] = [await makeCalendar('Same'), await makeCalendar('Same')];
  const guests = largeExport(60, 7).replaceAll(
    /SUMMARY:Event (\d)\r\n/g,
    'SUMMARY:Event $1\r\nATTENDEE;CN=Ann;ROLE=REQ-PARTICIPANT;PARTSTAT=TENTATIVE:mailto:ann@example.com\r\n' +
      'CATEGORIES:A,B\r\nX-OWN;Y=1:kept\r\nBEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER:-PT10M\r\nEND:VALARM\r\n',
  );
  expect((await importIcs(owner, from, guests)).body).toMatchObject({ created: 60, problems: [] });
  const first = (await exportIcs(owner, from)).text;
  expect(first).toContain('BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin');
  expect(first).toContain('BEGIN:VALARM');
  expect((await importIcs(owner, to, first)).body).toMatchObject({ created: 60, problems: [] });
  expect(essence((await exportIcs(owner, to)).text)).toBe(essence(first));
});

it('an export takes reminders along, also of single occurrences and until one of them', async () => {
  const [from, to] = [await makeCalendar('Reminded'), await makeCalendar('Reminded')];
  const daily = { starts_local: '2026-03-02T09:00:00', duration_seconds: 900, rrule: 'FREQ=DAILY;COUNT=6' };
  const made = await api.call(owner, 'POST', '/api/v1/schedules', { calendar_id: from, title: 'Standup', ...daily });
  const remindersOf = (id: unknown): string => `/api/v1/schedules/${String(id)}/reminders`;
  const path = remindersOf(made.body.id);
  const at = (day: number, scope: string): string => `?scope=${scope}&recurrence_id=2026-03-0${day}T09:00:00`;
  const { id } = (await api.call(owner, 'POST', path, { minutes_before: 10 })).body;
  await api.call(owner, 'POST', path, { local_time: '18:00', days_before: 1, channels: ['email'] });
  expect((await api.call(owner, 'PATCH', `${path}/${id}${at(3, 'this')}`, { minutes_before: 30 })).status).toBe(200);
  expect((await api.call(owner, 'DELETE', `${path}/${id}${at(6, 'following')}`)).status).toBe(204);

  expect((await importIcs(owner, to, (await exportIcs(owner, from)).text)).body).toMatchObject({ created: 1 });
  const copy = (await api.call(owner, 'GET', `/api/v1/calendars/${to}/schedules`)).body.items[0].id;
  const tell = async (reminders: string): Promise<string[]> => {
    const { items } = (await api.call(owner, 'GET', reminders)).body as { items: Record<string, unknown>[] };
    const own = new Set(['id', 'schedule_id', 'version', 'created_at', 'updated_at']);
    return items.map((one) => JSON.stringify(Object.entries(one).filter(([key]) => !own.has(key)))).sort();
  };
  expect(await tell(path)).toHaveLength(3);
  expect(await tell(remindersOf(copy))).toEqual(await tell(path));
});

it('who has free/busy alone gets times without titles; a private schedule is as little to a viewer', async () => {
  const calendar_id = await makeCalendar();
  await importIcs(owner, calendar_id, largeExport(5, 3).replace('SUMMARY:Event 0', 'CLASS:PRIVATE\r\nSUMMARY:Secret'));
  expect((await exportIcs(owner, calendar_id)).text).toContain('SUMMARY:Secret');
  const read = (await exportIcs(viewer, calendar_id)).text;
  expect(read).toContain('SUMMARY:Event 1');
  expect(read).not.toContain('Secret');
  const busy = (await exportIcs(freebusy, calendar_id)).text;
  expect(busy).toContain('SUMMARY:Busy');
  expect(busy).not.toMatch(/Event|Secret|event-3/);
});

it('strangers: nobody gets in who should not', async () => {
  const calendar_id = await makeCalendar();
  await importIcs(owner, calendar_id, HOLIDAYS);
  for (const who of [member, stranger]) {
    expect(await exportIcs(who, calendar_id)).toMatchObject({ status: 404, body: { code: 'calendar.not_found' } });
    expect(await importIcs(who, calendar_id, HOLIDAYS)).toMatchObject({ status: 404 });
    expect(await api.call(who, 'POST', `/api/v1/calendars/${calendar_id}/feed`)).toMatchObject({ status: 404 });
    expect(await api.call(who, 'DELETE', `/api/v1/calendars/${calendar_id}/feed`)).toMatchObject({ status: 404 });
  }
  for (const who of [viewer, freebusy])
    expect(await importIcs(who, calendar_id, HOLIDAYS)).toMatchObject({
      status: 403,
      body: { code: 'calendar.forbidden' },
    });
  expect(await exportIcs(null, calendar_id)).toMatchObject({ status: 401 });
});

it('nothing is imported into a calendar whose schedules never overlap', async () => {
  const room = { workspace_id, name: 'Room', is_exclusive: true };
  const { id } = (await api.call(owner, 'POST', '/api/v1/calendars', room)).body as { id: string };
  expect(await importIcs(owner, id, HOLIDAYS)).toMatchObject({ status: 409, body: { code: 'calendar.exclusive' } });
});

it('a feed shows what its maker may read, until it is rotated, revoked, or they lose access', async () => {
  const calendar_id = await makeCalendar();
  await importIcs(owner, calendar_id, HOLIDAYS);
  const path = `/api/v1/calendars/${calendar_id}/feed`;
  const made = await api.call(viewer, 'POST', path);
  expect(made.status).toBe(201);
  const feed = new URL(made.body.url as string).pathname;
  const read = await api.call(null, 'GET', feed);
  expect(read.status).toBe(200);
  expect(read.headers['content-type']).toContain('text/calendar');
  expect(read.text).toContain('SUMMARY:Karfreitag');
  const etag = read.headers['etag'] ?? '';
  expect((await api.call(null, 'GET', feed, undefined, { 'if-none-match': etag })).status).toBe(304);
  await importIcs(owner, calendar_id, HOLIDAYS.replace('SUMMARY:Karfreitag', 'SUMMARY:Changed'));
  expect((await api.call(null, 'GET', feed, undefined, { 'if-none-match': etag })).text).toContain('SUMMARY:Changed');
  expect((await api.call(viewer, 'GET', path)).body.last_read_at).not.toBeNull();

  const rotated = new URL((await api.call(viewer, 'POST', path)).body.url as string).pathname;
  expect((await api.call(null, 'GET', feed)).status).toBe(404);
  expect((await api.call(null, 'GET', rotated)).status).toBe(200);
  await api.call(owner, 'DELETE', `/api/v1/calendars/${calendar_id}/subscriptions/${viewer.user_id}`);
  expect((await api.call(null, 'GET', rotated)).status).toBe(404);

  const own = new URL((await api.call(owner, 'POST', path)).body.url as string).pathname;
  const none = { status: 404, body: { code: 'calendar.feed_not_found' } };
  const deleted = 'update app.workspaces set deleted_at = case when $1::boolean then now() end where id = $2';
  await backends.database.asOwner(deleted, [true, workspace_id]);
  expect(await api.call(null, 'GET', own)).toMatchObject(none);
  await backends.database.asOwner(deleted, [false, workspace_id]);
  expect((await api.call(null, 'GET', own)).status).toBe(200);
  expect((await api.call(owner, 'DELETE', path)).status).toBe(204);
  expect(await api.call(null, 'GET', own)).toMatchObject(none);
  expect(await api.call(null, 'GET', '/api/v1/feeds/nothing.ics')).toMatchObject(none);
});

it('nothing is imported into a calendar that is full', async () => {
  const calendar_id = await makeCalendar();
  await backends.database.asOwner(
    `insert into app.schedules (id, workspace_id, calendar_id, uid, organiser_user_id, title, starts_local, time_zone, duration_seconds,
       first_at, created_by)
     select gen_random_uuid(), c.workspace_id, c.id, n, c.owner_user_id, 't', '2026-01-01', 'UTC', 60, '2026-01-01Z', c.owner_user_id
     from app.calendars c, generate_series(1, 50000) n where c.id = $1`,
    [calendar_id],
  );
  expect(await importIcs(owner, calendar_id, HOLIDAYS)).toMatchObject({ status: 409, body: { code: 'calendar.full' } });
});
