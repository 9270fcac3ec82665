import { randomUUID } from 'node:crypto';
import { seedWorkspace } from '@potentia/db/testing/seed';
import { seedCalendar, seedSubscription } from '@potentia/db/testing/seed-calendar';
import { describe, expect, it } from 'vitest';
import { pathOf, useScheduleKit } from '../testing/schedule-kit.ts';

const kit = useScheduleKit();

describe('a change', () => {
  it('of one occurrence makes an override of it, and nothing else', async () => {
    const schedule = await kit.made();
    const query = 'scope=this&recurrence_id=2026-03-03T09:00:00';
    const answer = await kit.patch(schedule, query, {
      title: 'Retro',
      starts_local: '2026-03-03T10:00:00',
      ends_local: '2026-03-03T11:00:00',
    });
    expect(answer).toMatchObject({
      status: 200,
      headers: { etag: '"2"' },
      body: {
        ...{ title: 'Standup', starts_local: schedule.starts_local, version: 2, sequence: 1, cut_off: null },
        overrides: [
          {
            ...{ recurrence_id: '2026-03-03T09:00:00', starts_local: '2026-03-03T10:00:00', duration_seconds: 3_600 },
            ...{ title: 'Retro', is_cancelled: false },
          },
        ],
      },
    });
    expect(await kit.patch(schedule, query, { rrule: 'FREQ=WEEKLY' })).toMatchObject({
      status: 400,
      body: { code: 'schedule.not_per_occurrence', errors: [{ pointer: '/rrule' }] },
    });
  });

  it('of this and following cuts the series in two', async () => {
    const schedule = await kit.made();
    const query = 'scope=following&recurrence_id=2026-03-04T09:00:00';
    const { status, body } = await kit.patch(schedule, query, { starts_local: '2026-03-04T08:00:00', title: 'Early' });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      id: schedule.id,
      title: 'Standup',
      rrule: 'FREQ=DAILY;COUNT=2',
      cut_off: { title: 'Early', starts_local: '2026-03-04T08:00:00', rrule: 'FREQ=DAILY;COUNT=3', version: 1 },
    });
    expect(body.cut_off.uid).not.toBe(schedule.uid);
    expect((await kit.get(body.cut_off)).body).toEqual(body.cut_off);
  });

  it('of all is the default; with a named occurrence the whole series moves by as much, if all is said', async () => {
    const schedule = await kit.made();
    expect((await kit.patch(schedule, '', { title: 'New' })).body).toMatchObject({ title: 'New', sequence: 0 });
    const named = 'recurrence_id=2026-03-04T09:00:00';
    const later = { starts_local: '2026-03-04T10:30:00' };
    expect(await kit.patch(schedule, named, later)).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '/recurrence_id' }] },
    });
    expect((await kit.patch(schedule, `scope=all&${named}`, later)).body).toMatchObject({
      starts_local: '2026-03-02T10:30:00',
      sequence: 1,
    });
    expect(await kit.patch(schedule, `scope=all&${named}`, { title: 'x' })).toMatchObject({ status: 400 });
    expect(await kit.patch(schedule, 'scope=this', { title: 'x' })).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '/recurrence_id' }] },
    });
    expect(await kit.patch(schedule, 'scope=this&recurrence_id=2026-03-20T09:00:00', { title: 'x' })).toMatchObject({
      status: 404,
      body: { code: 'schedule.occurrence_not_found' },
    });
  });

  it('of the title asks for no instances, of the time it does', async () => {
    const schedule = await kit.made();
    const asked = async () =>
      (
        await kit.backends.database.asOwner<{ n: number }>(
          `select count(*)::int as n from app.outbox where topic = 'calendar.materialise' and payload ->> 'schedule_id' = $1`,
          [schedule.id],
        )
      )[0]?.n;
    expect(await asked()).toBe(1);
    await kit.patch(schedule, '', { title: 'New', location: 'Room 2', status: 'tentative' });
    expect(await asked()).toBe(1);
    await kit.patch(schedule, '', { ends_local: '2026-03-02T10:00:00' });
    expect(await asked()).toBe(2);
    expect((await kit.get(schedule)).body).toMatchObject({ duration_seconds: 3_600, version: 3, sequence: 1 });
  });

  it('makes days of times, and times of days', async () => {
    const schedule = await kit.made();
    expect(await kit.patch(schedule, '', { starts_local: '2026-03-02' })).toMatchObject({
      status: 400,
      body: { errors: [{ pointer: '/starts_local' }] },
    });
    const days = await kit.patch(schedule, '', {
      is_all_day: true,
      starts_local: '2026-03-02',
      ends_local: '2026-03-04',
    });
    expect(days.body).toMatchObject({ is_all_day: true, time_zone: null, duration_seconds: 172_800 });
    const times = await kit.patch(schedule, '', { is_all_day: false, starts_local: '2026-03-02T07:00:00' });
    expect(times.body).toMatchObject({
      is_all_day: false,
      time_zone: 'Europe/Berlin',
      starts_local: '2026-03-02T07:00:00',
    });
    const floating = await kit.patch(schedule, '', { time_zone: null });
    expect(floating.body).toMatchObject({
      time_zone: null,
      starts_local: '2026-03-02T07:00:00',
      duration_seconds: 3_600,
    });
  });

  it('of what is private is audited without its words, which are not for the admins of the workspace', async () => {
    const schedule = await kit.made({ ...kit.daily(), visibility: 'private', title: 'Secret' });
    const one = 'scope=this&recurrence_id=2026-03-03T09:00:00';
    expect((await kit.patch(schedule, one, { title: 'Secret of a day' })).status).toBe(200);
    expect((await kit.patch(schedule, '', { description: 'Secret too', visibility: 'default' })).status).toBe(200);
    await kit.patch(schedule, '', { visibility: 'private' });
    await kit.api.call(kit.owner, 'DELETE', pathOf(schedule));
    const rows = await kit.backends.database.asOwner<{ action: string }>(
      'select action, before, after from app.audit_logs where target_id = $1 order by created_at, id',
      [schedule.id],
    );
    expect(rows.map(({ action }) => action.slice(9))).toEqual(['create', 'update', 'update', 'update', 'delete']);
    expect(JSON.stringify(rows)).not.toMatch(/Secret/);
  });

  it('of a rule is refused as in a new one; of nothing, or of an unknown field, too', async () => {
    const schedule = await kit.made();
    expect(await kit.patch(schedule, '', { rrule: 'FREQ=SECONDLY' })).toMatchObject({
      status: 400,
      body: { code: 'schedule.rule_refused', errors: [{ pointer: '/rrule' }] },
    });
    for (const body of [{}, { version: 1 }, { calendar_id: kit.calendar.calendar_id }, { uid: 'x' }])
      expect((await kit.patch(schedule, '', body)).status, JSON.stringify(body)).toBe(400);
    expect((await kit.patch(schedule, '', { rrule: null })).body).toMatchObject({ rrule: null });
    expect((await kit.get(schedule)).body.version).toBe(2);
  });

  it('of a version that is no more answers 409 or 412 with how it stands', async () => {
    const schedule = await kit.made();
    await kit.patch(schedule, '', { title: 'New' });
    const current = { title: 'New', version: 2 };
    expect(await kit.patch(schedule, '', { version: 1, title: 'x' })).toMatchObject({
      status: 409,
      body: { code: 'schedule.version_conflict', current },
    });
    for (const [method, path] of [
      ['PATCH', ''],
      ['POST', '/move'],
      ['DELETE', ''],
    ] as const) {
      const body = method === 'DELETE' ? undefined : { starts_local: '2026-03-02T10:00:00' };
      const stale = await kit.api.call(kit.owner, method, pathOf(schedule) + path, body, { 'if-match': '"1"' });
      expect(stale, method).toMatchObject({ status: 412, body: { current } });
    }
    const fresh = await kit.api.call(kit.owner, 'PATCH', pathOf(schedule), { title: 'x' }, { 'if-match': '"2"' });
    expect(fresh.status).toBe(200);
  });

  it('stops at 1,000 overrides and 5,000 exdates of one series, and is still quick with them', async () => {
    const at = (day: number) => new Date(Date.UTC(2026, 2, 2 + day, 9)).toISOString().slice(0, 19);
    const exdates = Array.from({ length: 5_000 }, (_, n) => at(2_000 + n));
    const schedule = await kit.made({ ...kit.daily(), rrule: 'FREQ=DAILY', exdates, transparency: 'transparent' });
    await kit.backends.database.asOwner(
      `insert into app.schedule_overrides (workspace_id, calendar_id, schedule_id, recurrence_id, title)
       select $1, $2, $3, timestamp '2026-03-02T09:00:00' + n * interval '1 day', 'Day ' || n from generate_series(0, 999) n`,
      [kit.workspace.workspace_id, kit.calendar.calendar_id, schedule.id],
    );
    const refused = { status: 400, body: { code: 'schedule.too_many_exceptions' } };
    expect(await kit.patch(schedule, `scope=this&recurrence_id=${at(1_500)}`, { title: 'x' })).toMatchObject(refused);
    expect(
      await kit.api.call(kit.owner, 'DELETE', `${pathOf(schedule)}?scope=this&recurrence_id=${at(1_500)}`),
    ).toMatchObject(refused);
    const began = performance.now();
    expect((await kit.patch(schedule, `scope=this&recurrence_id=${at(500)}`, { title: 'x' })).status).toBe(200);
    const cut = await kit.patch(schedule, `scope=following&recurrence_id=${at(400)}`, { title: 'y' });
    expect(cut.body).toMatchObject({ override_count: 400, exdates: [], cut_off: { override_count: 599 } });
    expect(cut.body.cut_off.exdates).toHaveLength(5_000);
    expect(performance.now() - began).toBeLessThan(2_500);
  });

  it('by many at once is done by each in turn', async () => {
    const schedule = await kit.made();
    const names = Array.from({ length: 7 }, (_, n) => `2026-03-0${2 + (n % 5)}T09:00:00`);
    const answers = await Promise.all(
      names.map((name, n) => kit.patch(schedule, `scope=this&recurrence_id=${name}`, { title: `Edit ${n}` })),
    );
    expect(answers.map(({ status }) => status)).toEqual(names.map(() => 200));
    expect((await kit.get(schedule)).body).toMatchObject({ version: 8, override_count: 5 });
  });
});

describe('deleting', () => {
  const remove = (schedule: { id: string }, query = '', who = kit.owner) =>
    kit.api.call(who, 'DELETE', `${pathOf(schedule)}?${query}`);

  it('leaves one occurrence out, ends the series before one, or ends it all', async () => {
    const schedule = await kit.made();
    expect((await remove(schedule, 'scope=this&recurrence_id=2026-03-03T09:00:00')).status).toBe(204);
    expect((await kit.get(schedule)).body).toMatchObject({
      exdates: ['2026-03-03T09:00:00'],
      rrule: 'FREQ=DAILY;COUNT=5',
    });
    expect((await remove(schedule, 'scope=this&recurrence_id=2026-03-03T09:00:00')).status).toBe(404);
    expect((await remove(schedule, 'scope=following&recurrence_id=2026-03-05T09:00:00')).status).toBe(204);
    expect((await kit.get(schedule)).body).toMatchObject({ rrule: 'FREQ=DAILY;COUNT=3' });
    expect((await remove(schedule, 'scope=this&recurrence_id=2026-03-02T09:00:00')).status).toBe(204);
    expect((await remove(schedule, 'scope=this&recurrence_id=2026-03-04T09:00:00')).status).toBe(204);
    expect((await kit.get(schedule)).status).toBe(404);
    expect((await remove(schedule)).status).toBe(404);
  });

  it('of all by a named occurrence is refused: it would be more than was meant', async () => {
    const schedule = await kit.made();
    expect((await remove(schedule, 'recurrence_id=2026-03-03T09:00:00')).status).toBe(400);
    expect((await kit.get(schedule)).status).toBe(200);
  });
});

describe('moving', () => {
  const move = (schedule: { id: string }, body: object, query = '', who = kit.owner) =>
    kit.api.call(who, 'POST', `${pathOf(schedule)}/move?${query}`, body);

  it('to another time is for the occurrences that the scope says', async () => {
    const schedule = await kit.made();
    const one = await move(
      schedule,
      { starts_local: '2026-03-03T12:00:00' },
      'scope=this&recurrence_id=2026-03-03T09:00:00',
    );
    expect(one.body.overrides).toMatchObject([
      { recurrence_id: '2026-03-03T09:00:00', starts_local: '2026-03-03T12:00:00' },
    ]);
    const all = await move(schedule, { starts_local: '2026-03-02T10:00:00', time_zone: 'Asia/Jakarta' });
    expect(all.body).toMatchObject({
      starts_local: '2026-03-02T10:00:00',
      time_zone: 'Asia/Jakarta',
      first_at: '2026-03-02T03:00:00Z',
    });
    expect(all.body.overrides).toMatchObject([
      { recurrence_id: '2026-03-03T10:00:00', starts_local: '2026-03-03T13:00:00' },
    ]);
    expect((await move(schedule, {})).status).toBe(400);
  });

  it('is done once per Idempotency-Key', async () => {
    const schedule = await kit.made();
    const path = `${pathOf(schedule)}/move?scope=following&recurrence_id=2026-03-04T09:00:00`;
    const headers = { 'idempotency-key': randomUUID() };
    const body = { starts_local: '2026-03-04T10:00:00' };
    const first = await kit.api.call(kit.owner, 'POST', path, body, headers);
    const again = await kit.api.call(kit.owner, 'POST', path, body, headers);
    expect(first.status).toBe(200);
    expect(again).toMatchObject({ status: 200, headers: { 'idempotency-replayed': 'true' } });
    expect(again.body).toEqual(first.body);
    expect((await kit.api.call(kit.owner, 'POST', path, { starts_local: '2026-03-04T11:00:00' }, headers)).status).toBe(
      422,
    );
  });

  it('to another calendar needs an editor there, and takes the whole schedule along', async () => {
    const { db } = kit.backends.database;
    const schedule = await kit.made();
    const to = await seedCalendar(db, kit.workspace, { time_zone: 'UTC' });
    const body = { calendar_id: to.calendar_id };
    expect(await move(schedule, body, '', kit.editor)).toMatchObject({
      status: 404,
      body: { code: 'calendar.not_found' },
    });
    await seedSubscription(db, to, 'viewer', kit.editor);
    expect(await move(schedule, body, '', kit.editor)).toMatchObject({
      status: 403,
      body: { code: 'calendar.forbidden' },
    });
    expect(await move(schedule, body, 'scope=this&recurrence_id=2026-03-03T09:00:00')).toMatchObject({ status: 400 });
    const moved = await move(schedule, { ...body, starts_local: '2026-03-02T11:00:00' });
    expect(moved).toMatchObject({
      status: 200,
      body: { calendar_id: to.calendar_id, starts_local: '2026-03-02T11:00:00' },
    });
    expect((await kit.get(schedule, kit.viewer)).status).toBe(404);
    expect((await kit.get(schedule, kit.editor)).body).toMatchObject({ role: 'viewer' });
    const foreign = await seedCalendar(db, await seedWorkspace(db, kit.stranger));
    expect(await move(schedule, { calendar_id: foreign.calendar_id })).toMatchObject({ status: 404 });
  });

  it('into an exclusive calendar books it there, and out of it sets it free', async () => {
    const { db } = kit.backends.database;
    const room = await seedCalendar(db, kit.workspace, { is_exclusive: true });
    const [one, other] = [await kit.made(), await kit.made()];
    expect((await move(one, { calendar_id: room.calendar_id })).status).toBe(200);
    const before = await kit.everything();
    expect(await move(other, { calendar_id: room.calendar_id })).toMatchObject({
      status: 409,
      body: { code: 'schedule.booked' },
    });
    expect(await kit.everything()).toBe(before);
    const endless = await kit.made({ ...kit.daily(), rrule: 'FREQ=DAILY' });
    for (const query of ['', 'dry_run=true'])
      expect((await move(endless, { calendar_id: room.calendar_id }, query)).body.code).toBe(
        'schedule.booking_unbounded',
      );
    expect((await move(one, { calendar_id: kit.calendar.calendar_id })).status).toBe(200);
    expect((await move(other, { calendar_id: room.calendar_id })).status).toBe(200);
  });
});

describe('a dry run', () => {
  it('writes nothing, whatever it is of, and says what would be', async () => {
    const schedule = await kit.made();
    await kit.patch(schedule, 'scope=this&recurrence_id=2026-03-05T09:00:00', { title: 'Retro' });
    const room = await seedCalendar(kit.backends.database.db, kit.workspace);
    const before = await kit.everything();
    const dry = (method: string, path: string, query: string, body?: object, who = kit.owner) =>
      kit.api.call(who, method, `${pathOf(schedule)}${path}?dry_run=true&${query}`, body);
    const at = 'recurrence_id=2026-03-04T09:00:00';

    const dropped = await dry('DELETE', '', `scope=following&${at}`);
    expect(dropped).toMatchObject({
      status: 200,
      body: {
        added: { count: 0 },
        moved: { count: 0 },
        removed: { count: 3, truncated: false },
        lost: { overrides: { count: 1 } },
      },
    });
    expect(dropped.body.removed.items[0]).toEqual({
      ...{ schedule_id: schedule.id, recurrence_id: '2026-03-04T09:00:00' },
      ...{ starts_local: '2026-03-04T09:00:00', ends_local: '2026-03-04T09:15:00' },
      ...{ starts_at: '2026-03-04T08:00:00Z', ends_at: '2026-03-04T08:15:00Z' },
    });
    const moved = await dry('POST', '/move', `scope=this&${at}`, { starts_local: '2026-03-04T10:00:00' });
    expect(moved.body).toMatchObject({
      removed: { count: 0 },
      moved: {
        count: 1,
        items: [{ recurrence_id: '2026-03-04T09:00:00', to: { starts_local: '2026-03-04T10:00:00' } }],
      },
    });
    const longer = await dry('PATCH', '', '', { rrule: 'FREQ=DAILY;COUNT=7' });
    expect(longer.body).toMatchObject({ added: { count: 2 }, removed: { count: 0 }, moved: { count: 0 } });
    expect((await dry('POST', '/move', '', { calendar_id: room.calendar_id })).status).toBe(200);
    expect((await dry('PATCH', '', '', { rrule: 'FREQ=SECONDLY' })).body.code).toBe('schedule.rule_refused');
    expect((await dry('DELETE', '', '', undefined, kit.viewer)).status).toBe(403);
    expect((await dry('DELETE', '', '', undefined, kit.stranger)).status).toBe(404);
    expect(await kit.everything()).toBe(before);
    expect(dropped.headers['etag']).toBeUndefined();
  });
});
