import { randomUUID } from 'node:crypto';
import { seedCalendar, seedSubscription } from '@potentia/db/testing/seed-calendar';
import { beforeEach, describe, expect, it } from 'vitest';
import { pathOf, SCHEDULES, useScheduleKit } from '../testing/schedule-kit.ts';

const kit = useScheduleKit();

describe('a new schedule', () => {
  it('is answered as it stands, with an ETag and a place, and once per Idempotency-Key', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const first = await kit.create(
      { ...kit.daily(), exdates: ['2026-03-04T09:00:00'], location: 'Room 1' },
      kit.owner,
      headers,
    );
    expect(first).toMatchObject({
      status: 201,
      headers: { etag: '"1"' },
      body: {
        title: 'Standup',
        location: 'Room 1',
        time_zone: 'Europe/Berlin',
        rrule: 'FREQ=DAILY;COUNT=5',
        exdates: ['2026-03-04T09:00:00'],
        first_at: '2026-03-02T08:00:00Z',
        role: 'editor',
        organiser_user_id: kit.owner.user_id,
        conflicts: [],
        overrides: [],
      },
    });
    expect(first.headers['location']).toBe(pathOf(first.body));
    const again = await kit.create(
      { ...kit.daily(), exdates: ['2026-03-04T09:00:00'], location: 'Room 1' },
      kit.owner,
      headers,
    );
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.body).toEqual(first.body);
    expect((await kit.create(kit.daily(), kit.owner, headers)).status).toBe(422);
    const { conflicts: _conflicts, ...detail } = first.body;
    expect((await kit.get(first.body)).body).toEqual(detail);
    const list = await kit.api.call(kit.viewer, 'GET', `/api/v1/calendars/${kit.calendar.calendar_id}/schedules`);
    expect(list.body).toMatchObject({ items: [{ id: first.body.id, role: 'viewer' }], next_cursor: null });
  });

  it('has its zone as IANA writes it, whatever the case it is given in', async () => {
    const spelt = async (time_zone: string) => (await kit.made({ ...kit.daily(), time_zone })).time_zone;
    expect(await spelt('europe/berlin')).toBe('Europe/Berlin');
    expect(await spelt('utc')).toBe('UTC');
    expect(await spelt('US/Pacific')).toBe('US/Pacific');
    expect(await spelt('us/pacific')).toBe('America/Los_Angeles');
  });

  it('of the last day of 2100 ends, and is previewed, in 2101', async () => {
    const last = { starts_local: '2100-12-31T23:30:00', rrule: 'FREQ=DAILY' };
    const made = await kit.made({ ...kit.daily(), ...last });
    const preview = await kit.api.call(kit.owner, 'PATCH', `${pathOf(made)}?dry_run=true`, { duration_seconds: 7_200 });
    expect(preview.status, preview.text).toBe(200);
    expect(preview.body.moved.items[0].to.ends_local).toBe('2101-01-01T01:30:00');
  });

  it('takes its end as a local time too, in the same zone, across a change of clocks', async () => {
    const night = {
      starts_local: '2026-03-28T22:00:00',
      ends_local: '2026-03-29T06:00:00',
      duration_seconds: undefined,
    };
    expect(await kit.made({ ...kit.daily(), ...night, rrule: null })).toMatchObject({ duration_seconds: 7 * 3_600 });
    const away = { ...night, time_zone: null, rrule: null };
    expect(await kit.made({ ...kit.daily(), ...away })).toMatchObject({ duration_seconds: 8 * 3_600, time_zone: null });
    const days = { starts_local: '2026-03-28', ends_local: '2026-03-30', duration_seconds: undefined, rrule: null };
    expect(await kit.made({ ...kit.daily(), ...days })).toMatchObject({
      is_all_day: true,
      time_zone: null,
      duration_seconds: 172_800,
      starts_local: '2026-03-28',
    });
    const { duration_seconds: _length, ...endless } = { ...kit.daily(), starts_local: '2026-03-28', rrule: null };
    expect(await kit.made(endless)).toMatchObject({ is_all_day: true, duration_seconds: 86_400 });
  });

  it.each([
    ['/ends_local', { ends_local: '2026-03-02T08:00:00', duration_seconds: undefined }],
    ['/ends_local', { ends_local: '2026-03-02', duration_seconds: undefined }],
    ['/ends_local', { ends_local: '2028-03-02T08:00:00', duration_seconds: undefined }],
    ['/duration_seconds', { duration_seconds: undefined }],
    ['/duration_seconds', { ends_local: '2026-03-02T10:00:00' }],
    ['/duration_seconds', { starts_local: '2026-03-02', duration_seconds: 3_600 }],
    ['/duration_seconds', { starts_local: '2026-03-02', duration_seconds: 0 }],
    ['/starts_local', { is_all_day: true }],
    ['/starts_local', { starts_local: '2026-02-30T09:00:00' }],
    ['/starts_local', { starts_local: '2026-03-02T09:00:00Z' }],
    ['/rdates/1', { rdates: ['2026-03-03T09:00:00', '2026-03-03'] }],
    ['/exdates/0', { exdates: ['2026-03-03'] }],
    ['/time_zone', { time_zone: 'Berlin' }],
    ['/time_zone', { starts_local: '2026-03-02', duration_seconds: 86_400, time_zone: 'Europe/Berlin' }],
    ['/url', { url: 'javascript:alert(1)' }],
    ['/colour', { colour: '#ff0000' }],
    ['/rdates', { rdates: Array.from({ length: 1_001 }, () => '2026-03-03T09:00:00') }],
  ])('is refused for %s (%#)', async (pointer, change) => {
    const answer = await kit.create({ ...kit.daily(), ...change });
    expect(answer).toMatchObject({ status: 400, body: { code: 'request.invalid', errors: [{ pointer }] } });
  });

  it.each([
    'FREQ=SECONDLY',
    'FREQ=MINUTELY;INTERVAL=5',
    'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30',
    'FREQ=DAILY;COUNT=3;UNTIL=20270101T000000Z',
    'FREQ=DAILY;COUNT=0',
    'FREQ=DAILY;INTERVAL=-1',
    'FREQ=DAILY;INTERVAL=.007',
    'FREQ=DAILY;BYHOUR=99',
    'FREQ=DAILY;FREQ=WEEKLY',
    'FREQ=DAILY;BYSETPOS=1',
    'DAILY',
    'x'.repeat(512),
  ])('is refused for the rule %s, with the reason, before anything is written', async (rrule) => {
    const before = await kit.everything();
    const answer = await kit.create({ ...kit.daily(), rrule });
    expect(answer).toMatchObject({
      status: 400,
      body: {
        code: 'schedule.rule_refused',
        reason: expect.stringMatching(/^rule\./),
        errors: [{ pointer: '/rrule' }],
      },
    });
    expect(answer.body.errors[0].message.length).toBeGreaterThan(10);
    expect(await kit.everything()).toBe(before);
  });

  it('is for editors: 403 for who sees the calendar, 404 for everybody else', async () => {
    expect((await kit.create(kit.daily(), kit.editor)).status).toBe(201);
    for (const who of [kit.viewer, kit.onlooker])
      expect(await kit.create(kit.daily(), who)).toMatchObject({ status: 403, body: { code: 'calendar.forbidden' } });
    for (const who of [kit.member, kit.stranger]) {
      const foreign = await kit.create(kit.daily(), who);
      expect(foreign).toMatchObject({ status: 404, body: { code: 'calendar.not_found' } });
      const none = await kit.create({ ...kit.daily(), calendar_id: randomUUID() }, who);
      expect({ ...none.body, request_id: 0 }).toEqual({ ...foreign.body, request_id: 0 });
    }
    expect((await kit.create(kit.daily(), null)).status).toBe(401);
  });

  it('names who is busy already, and is written all the same', async () => {
    const starts_local = '2027-03-02T09:00:00';
    const other = await kit.made({ ...kit.daily(), starts_local, title: 'Other' });
    const clash = await kit.made({ ...kit.daily(), starts_local: '2027-03-02T09:10:00', rrule: null });
    expect(clash.conflicts).toMatchObject([
      {
        user_id: kit.owner.user_id,
        starts_at: '2027-03-02T08:00:00Z',
        occurrence: { schedule_id: other.id, title: 'Other' },
      },
    ]);
    const free = await kit.made({ ...kit.daily(), starts_local: '2027-03-02T09:30:00', rrule: null });
    expect(free.conflicts).toEqual([]);
    const transparent = await kit.made({ ...kit.daily(), starts_local, transparency: 'transparent' });
    expect(transparent.conflicts).toEqual([]);
  });
});

describe('guests of a new schedule', () => {
  it('are invited with it, told, and looked up for conflicts; once per Idempotency-Key', async () => {
    const body = { ...kit.daily(), starts_local: '2027-06-07T09:00:00', rrule: null };
    const own = await kit.api.call(kit.member, 'POST', '/api/v1/calendars', { name: 'Own' });
    await kit.made({ ...body, calendar_id: own.body.id, time_zone: 'Europe/Berlin' }, kit.member);
    const address = `${randomUUID()}@example.com`;
    const guests = [
      { user_id: kit.member.user_id },
      { email: kit.viewer.email, is_optional: true },
      { email: address, name: 'Ann' },
    ];
    const headers = { 'idempotency-key': randomUUID() };
    const first = await kit.create({ ...body, guests }, kit.owner, headers);
    expect(first, first.text).toMatchObject({
      status: 201,
      body: { guest_count: 3, my_guest_id: null, conflicts: [{ user_id: kit.member.user_id, occurrence: null }] },
    });
    expect((await kit.create({ ...body, guests }, kit.owner, headers)).body).toEqual(first.body);
    const told = await kit.backends.database.asOwner<{ topic: string; user_id: string | null }>(
      `select topic, user_id from app.outbox where request_id = $1 and topic <> 'calendar.materialise'`,
      [first.headers['x-request-id']],
    );
    const delivered = told.filter(({ topic }) => topic === 'me.deliver').map(({ user_id }) => user_id);
    expect(delivered.toSorted()).toEqual([kit.member.user_id, kit.viewer.user_id].toSorted());
    expect(told.filter(({ topic }) => topic === 'mail.send')).toHaveLength(1);
    expect((await kit.get(first.body, kit.member)).body).toMatchObject({ role: 'guest', my_response: 'needs_action' });
  });

  it('are refused by name, and then nothing is written', async () => {
    const before = await kit.everything();
    for (const [guest, status, pointer] of [
      [{ user_id: kit.stranger.user_id }, 404, '/guests/0/user_id'],
      [{ user_id: randomUUID() }, 404, '/guests/0/user_id'],
      [{ email: 'nobody' }, 400, '/guests/0/email'],
      [{}, 400, '/guests/0'],
    ] as const)
      expect(await kit.create({ ...kit.daily(), guests: [guest] })).toMatchObject({
        status,
        body: { errors: [{ pointer }] },
      });
    expect(await kit.everything()).toBe(before);
  });

  it('keep their answers to the occurrences that a cut moves to a schedule of its own', async () => {
    const schedule = await kit.made({ ...kit.daily(), guests: [{ user_id: kit.member.user_id }] });
    const respond = (name: string, response: string) =>
      kit.api.call(kit.member, 'PATCH', `${pathOf(schedule)}/respond?scope=this&recurrence_id=${name}`, { response });
    expect((await respond('2026-03-03T09:00:00', 'declined')).status).toBe(200);
    expect((await respond('2026-03-05T09:00:00', 'tentative')).status).toBe(200);
    const query = 'scope=following&recurrence_id=2026-03-04T09:00:00';
    const { body } = await kit.patch(schedule, query, { starts_local: '2026-03-04T10:00:00' });
    const answers = async ({ id }: { id: string }) =>
      (await kit.api.call(kit.owner, 'GET', `${SCHEDULES}/${id}/guests`)).body.items.map(
        (guest: { responses: object[] }) => guest.responses,
      );
    expect(await answers(schedule)).toMatchObject([[{ recurrence_id: '2026-03-03T09:00:00', response: 'declined' }]]);
    expect(await answers(body.cut_off)).toMatchObject([
      [{ recurrence_id: '2026-03-05T10:00:00', response: 'tentative' }],
    ]);
    expect((await kit.get(body.cut_off, kit.member)).body.my_guest_id).not.toBe(
      (await kit.get(schedule, kit.member)).body.my_guest_id,
    );
  });
});

describe('an exclusive calendar', () => {
  const body = () => ({ ...kit.daily(), starts_local: '2027-03-02T09:00:00', visibility: 'private' });
  beforeEach(async () => {
    kit.calendar = await seedCalendar(kit.backends.database.db, kit.workspace, {
      is_exclusive: true,
      time_zone: 'Europe/Berlin',
    });
    await seedSubscription(kit.backends.database.db, kit.calendar, 'editor', kit.editor);
  });

  it('refuses what overlaps, and says which occurrence and by what', async () => {
    const taken = await kit.made(body());
    const before = await kit.everything();
    const clash = await kit.create(
      { ...body(), starts_local: '2027-03-01T09:14:00', rrule: 'FREQ=DAILY;COUNT=2' },
      kit.editor,
    );
    expect(clash).toMatchObject({
      status: 409,
      body: {
        code: 'schedule.booked',
        occurrence: { recurrence_id: '2027-03-02T09:14:00', starts_at: '2027-03-02T08:14:00Z' },
        booked_by: { schedule_id: taken.id, recurrence_id: '2027-03-02T09:00:00', title: 'Standup' },
      },
    });
    expect(await kit.everything()).toBe(before);
    expect((await kit.create({ ...body(), starts_local: '2027-03-02T09:15:00' }, kit.editor)).status).toBe(201);
    expect((await kit.patch(taken, '', { title: 'Renamed' })).status).toBe(200);
    const moved = await kit.patch(taken, 'scope=this&recurrence_id=2027-03-03T09:00:00', {
      starts_local: '2027-03-03T09:05:00',
    });
    expect(moved).toMatchObject({ status: 409, body: { code: 'schedule.booked' } });
    expect(
      (await kit.api.call(kit.owner, 'DELETE', `${pathOf(taken)}?scope=this&recurrence_id=2027-03-03T09:00:00`)).status,
    ).toBe(204);
    expect((await kit.create({ ...body(), starts_local: '2027-03-03T09:00:00', rrule: null }, kit.editor)).status).toBe(
      201,
    );
  });

  it('takes no series without an end, and of two at once one', async () => {
    expect(await kit.create({ ...body(), rrule: 'FREQ=DAILY' })).toMatchObject({
      status: 400,
      body: { code: 'schedule.booking_unbounded', errors: [{ pointer: '/rrule' }] },
    });
    const both = await Promise.all([kit.create(body()), kit.create(body(), kit.editor)]);
    expect(both.map(({ status }) => status).toSorted()).toEqual([201, 409]);
  });
});
