import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { withContext } from '../context.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { addMember, seedUser, seedWorkspace, type SeededWorkspace } from '../testing/seed.ts';
import {
  seedCalendar,
  seedGuest,
  seedOverride,
  seedReminder,
  seedRemains,
  seedSchedule,
  seedSubscription,
  type SeededCalendar,
  type SeededSchedule,
} from '../testing/seed-calendar.ts';
import * as schedules from './schedule-queries.ts';

let t: TestDatabase;
let workspace: SeededWorkspace;
let calendar: SeededCalendar;
let schedule: SeededSchedule;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());
beforeEach(async () => {
  workspace = await seedWorkspace(t.db);
  calendar = await seedCalendar(t.db, workspace, { time_zone: 'Europe/Berlin' });
  schedule = await seedSchedule(t.db, calendar, { rrule: 'FREQ=DAILY;COUNT=5' });
});

const request_id = 'test';
const times = { starts_local: '2026-03-02T09:00:00', time_zone: 'UTC', is_all_day: false, duration_seconds: 3_600 };
const fields = (uid: string, organiser_user_id: string) => ({
  ...{ uid, organiser_user_id, title: 'Standup', description: null, location: null, url: null, color: null },
  ...{ status: 'confirmed', transparency: 'opaque', visibility: 'default', rrule: null, rdates: [], exdates: [] },
  ...times,
  first_at: '2026-03-02T09:00:00Z',
  last_at: '2026-03-02T10:00:00Z',
});
const create = (user_id: string, { calendar_id } = calendar, schedule_id = randomUUID()) =>
  schedules.createSchedule(t.db, {
    ...{ user_id, calendar_id, schedule_id, bookings: null, request_id },
    fields: fields(schedule_id, user_id),
  });
const audits = (schedule_id: string) =>
  t.asOwner<{ action: string; before: unknown; after: unknown }>(
    'select action, before, after from app.audit_logs where target_id = $1 order by created_at, id',
    [schedule_id],
  );
const outbox = (schedule_id: string) =>
  t.asOwner<{ topic: string }>(
    `select topic from app.outbox where payload ->> 'schedule_id' = $1 order by created_at, id`,
    [schedule_id],
  );
const seqOf = async ({ calendar_id }: { calendar_id: string }): Promise<number> =>
  (await t.asOwner<{ seq: string }>('select seq from app.calendars where id = $1', [calendar_id])).map(({ seq }) =>
    Number(seq),
  )[0] ?? -1;
const any = { version: null, expected_version: null, to_calendar_id: null };

interface Planned {
  overrides: object[];
  guests: { id: string; user_id: string | null }[];
  responses: object[];
  reminders: { id: string }[];
  [field: string]: unknown;
}

/** Loads, lets `plan` say what to write, and writes it. */
function edit(
  who: { user_id: string; schedule_id: string },
  plan: (loaded: Planned) => object[],
  how: Partial<schedules.PlanWrite['edit']> = {},
) {
  return withContext(t.db, { user_id: who.user_id }, async (tx) => {
    const loaded = await schedules.loadScheduleForEdit<Planned>(tx, { ...who, ...any, locks: true });
    const edit = { action: 'schedule.update', scope: 'all', recurrence_id: null, ...how };
    const writes = plan(loaded.schedule);
    return schedules.applySchedulePlan(tx, { ...who, version: loaded.version, writes, edit, request_id });
  });
}
const bounds = { first_at: '2026-03-02T09:00:00Z', last_at: '2026-03-06T10:00:00Z', bookings: null };
const update = (loaded: Planned, changes: object, more: object = {}) => ({
  ...{ op: 'update', id: loaded['id'], fields: { ...loaded, ...changes }, changed: Object.keys(changes) },
  ...{ occurrences_changed: false, ...bounds, ...more },
});

describe('creating', () => {
  test('writes the row with the next seq of its calendar, an audit row, and asks for its instances', async () => {
    const before = await seqOf(calendar);
    const made = await create(calendar.user_id);
    expect(made).toMatchObject({
      title: 'Standup',
      role: 'editor',
      version: 1,
      sequence: 0,
      overrides: [],
      uid: made.id,
    });
    expect(await seqOf(calendar)).toBe(before + 1);
    const [row] = await t.asOwner<{ seq: string; materialised_until: string }>(
      'select seq, materialised_until::text from app.schedules where id = $1',
      [made.id],
    );
    expect(row).toMatchObject({ seq: String(before + 1), materialised_until: '-infinity' });
    expect(await audits(made.id)).toMatchObject([
      { action: 'schedule.create', before: null, after: { title: 'Standup' } },
    ]);
    expect(await outbox(made.id)).toEqual([{ topic: 'calendar.materialise' }]);
    expect(await schedules.getSchedule(t.db, { ...calendar, schedule_id: made.id })).toEqual(made);
  });

  test('is for editors: a viewer and a free/busy subscriber are refused, everybody else finds no calendar', async () => {
    const [editor, viewer, freebusy] = await Promise.all(
      (['editor', 'viewer', 'freebusy'] as const).map((role) => seedSubscription(t.db, calendar, role)),
    );
    await expect(create(editor!.user_id)).resolves.toMatchObject({ organiser_user_id: editor!.user_id });
    for (const who of [viewer!, freebusy!])
      await expect(create(who.user_id)).rejects.toMatchObject({ kind: 'forbidden', code: 'calendar.forbidden' });
    for (const who of [await addMember(t.db, workspace, 'admin'), await seedUser(t.db)])
      await expect(create(who.user_id)).rejects.toMatchObject({ kind: 'not_found', code: 'calendar.not_found' });
  });

  test('stops at 50,000 schedules of one calendar', async () => {
    await t.asOwner(
      `insert into app.schedules (id, workspace_id, calendar_id, uid, organiser_user_id, title, starts_local, time_zone,
         duration_seconds, first_at, last_at, created_by)
       select gen_random_uuid(), $1, $2, 'u' || n, $3, 't', '2026-03-02', 'UTC', 60, '2026-03-02', '2026-03-02', $3
       from generate_series(1, 49999) n`,
      [calendar.workspace_id, calendar.calendar_id, calendar.user_id],
    );
    await expect(create(calendar.user_id)).rejects.toMatchObject({ kind: 'conflict', code: 'calendar.full' });
  });
});

describe('reading', () => {
  test('a private schedule is for its editors and guests; the list and the single one say the same to everybody', async () => {
    const hidden = await seedSchedule(t.db, calendar, { visibility: 'private' });
    const organiser = await seedSubscription(t.db, calendar, 'viewer');
    const own = await seedSchedule(t.db, calendar, { visibility: 'private', organiser_user_id: organiser.user_id });
    const viewer = await seedSubscription(t.db, calendar, 'viewer');
    const invited = await seedSubscription(t.db, calendar, 'viewer');
    await seedGuest(t.db, hidden, invited);
    const editor = await seedSubscription(t.db, calendar, 'editor');
    const ids = [schedule, hidden, own].map(({ schedule_id }) => schedule_id);
    const roles = async ({ user_id }: { user_id: string }) => {
      const list = await schedules.listSchedules(t.db, {
        user_id,
        calendar_id: calendar.calendar_id,
        cursor_id: null,
        limit: 9,
      });
      const listed = ids.map((id) => list.find((one) => one.id === id)?.role ?? null);
      const single = await Promise.all(
        ids.map((schedule_id) =>
          schedules.getSchedule(t.db, { user_id, schedule_id }).then(
            ({ role }) => role,
            (error: unknown) => ((error as { code?: string }).code === 'schedule.not_found' ? null : error),
          ),
        ),
      );
      expect(single).toEqual(listed);
      return listed;
    };
    expect(await roles(calendar)).toEqual(['editor', 'editor', 'editor']);
    expect(await roles(editor)).toEqual(['editor', 'editor', 'editor']);
    expect(await roles(viewer)).toEqual(['viewer', null, null]);
    expect(await roles(organiser)).toEqual(['viewer', null, 'editor']);
    expect(await roles(invited)).toEqual(['viewer', 'guest', null]);
  });

  test('a guest from elsewhere reads the schedule, not the list; once removed, or out of the workspace, nothing', async () => {
    const guest = await addMember(t.db, workspace, 'guest');
    const { guest_id } = await seedGuest(t.db, schedule, guest);
    const read = () => schedules.getSchedule(t.db, { ...guest, schedule_id: schedule.schedule_id });
    expect(await read()).toMatchObject({
      role: 'guest',
      my_guest_id: guest_id,
      my_response: 'needs_action',
      guest_count: 1,
    });
    const list = { ...guest, calendar_id: calendar.calendar_id, cursor_id: null, limit: 9 };
    await expect(schedules.listSchedules(t.db, list)).rejects.toMatchObject({ code: 'calendar.not_found' });
    await t.asOwner('delete from app.workspace_members where user_id = $1', [guest.user_id]);
    await expect(read()).rejects.toMatchObject({ code: 'schedule.not_found' });
    const other = await addMember(t.db, workspace);
    const row = await seedGuest(t.db, schedule, other);
    await t.asOwner('delete from app.schedule_guests where id = $1', [row.guest_id]);
    await expect(schedules.getSchedule(t.db, { ...other, schedule_id: schedule.schedule_id })).rejects.toMatchObject({
      code: 'schedule.not_found',
    });
  });
});

describe('an edit', () => {
  test('of the title touches no instance: it asks for none, and leaves what is materialised', async () => {
    await t.asOwner(
      `update app.schedules set materialised_from = '-infinity', materialised_until = 'infinity' where id = $1`,
      [schedule.schedule_id],
    );
    const { schedule: after } = await edit(schedule, (loaded) => [update(loaded, { title: 'New' })]);
    expect(after).toMatchObject({ title: 'New', version: 2, sequence: 0 });
    const [row] = await t.asOwner('select materialised_until::text from app.schedules where id = $1', [
      schedule.schedule_id,
    ]);
    expect(row).toEqual({ materialised_until: 'infinity' });
    expect(await outbox(schedule.schedule_id)).toEqual([]);
    expect(await audits(schedule.schedule_id)).toMatchObject([
      { action: 'schedule.update', before: { title: 'Seeded schedule' }, after: { title: 'New', scope: 'all' } },
    ]);
  });

  test('of times uncovers it, counts its sequence, and has every reminder worked out anew', async () => {
    await seedReminder(t.db, schedule, { next_at: '2026-03-02T08:50:00Z' });
    const changed = { duration_seconds: 60 };
    const { schedule: after } = await edit(schedule, (loaded) => [
      update(loaded, changed, { occurrences_changed: true }),
    ]);
    expect(after).toMatchObject({ duration_seconds: 60, sequence: 1, last_at: '2026-03-06T10:00:00Z' });
    expect(
      await t.asOwner('select next_at::text from app.schedule_reminders where schedule_id = $1', [
        schedule.schedule_id,
      ]),
    ).toEqual([{ next_at: '-infinity' }]);
    expect(await outbox(schedule.schedule_id)).toEqual([{ topic: 'calendar.materialise' }]);
  });

  test('writes of overrides, answers and reminders what differs, and removes what is gone', async () => {
    await seedRemains(t.db, schedule);
    await seedOverride(t.db, schedule, { recurrence_id: '2026-03-03T09:00:00', title: 'Other' });
    await seedOverride(t.db, schedule, { recurrence_id: '2026-03-04T09:00:00', is_cancelled: true });
    const { reminder_id } = await seedReminder(t.db, schedule);
    const { schedule: after } = await edit(
      schedule,
      (loaded) => {
        const [first] = loaded.overrides;
        const [response] = loaded.responses;
        return [
          update(
            loaded,
            {},
            {
              overrides: [{ ...first, starts_local: '2026-03-03T11:00:00' }],
              responses: [{ ...response, recurrence_id: '2026-03-05T09:00:00', response: 'declined' }],
              reminders: [{ ...loaded.reminders.find(({ id }) => id === reminder_id), skips: ['2026-03-05T09:00:00'] }],
            },
          ),
        ];
      },
      { scope: 'this', recurrence_id: '2026-03-03T09:00:00' },
    );
    expect(after?.overrides).toMatchObject([
      {
        recurrence_id: '2026-03-03T09:00:00',
        starts_local: '2026-03-03T11:00:00',
        title: 'Other',
        is_cancelled: false,
      },
    ]);
    const of = [schedule.schedule_id];
    expect(
      await t.asOwner('select recurrence_id::text, response from app.schedule_responses where schedule_id = $1', of),
    ).toEqual([{ recurrence_id: '2026-03-05 09:00:00', response: 'declined' }]);
    expect(await t.asOwner('select id, skips::text from app.schedule_reminders where schedule_id = $1', of)).toEqual([
      { id: reminder_id, skips: '{"2026-03-05 09:00:00"}' },
    ]);
    expect(await audits(schedule.schedule_id)).toMatchObject([
      {
        before: { override: { title: 'Other' } },
        after: {
          scope: 'this',
          recurrence_id: '2026-03-03T09:00:00',
          override: { starts_local: '2026-03-03T11:00:00' },
        },
      },
    ]);
  });

  test('that cuts makes a schedule of its own with rows of its own for the same guests', async () => {
    const person = await addMember(t.db, workspace);
    await seedGuest(t.db, schedule, { ...person, response: 'accepted' });
    const [id, guest_id] = [randomUUID(), randomUUID()];
    const { schedule: head, cut_off } = await edit(
      schedule,
      (loaded) => [
        update(loaded, { rrule: 'FREQ=DAILY;COUNT=2' }, { occurrences_changed: true }),
        {
          ...{
            op: 'create',
            id,
            fields: { ...loaded, uid: id, starts_local: '2026-03-04T10:00:00', rrule: 'FREQ=DAILY;COUNT=3' },
          },
          ...{
            overrides: [],
            reminders: [],
            ...bounds,
            guests: loaded.guests.map((guest) => ({ ...guest, id: guest_id })),
          },
          responses: [
            {
              guest_id,
              recurrence_id: '2026-03-05T10:00:00',
              applies_to: 'this',
              response: 'declined',
              responded_at: '2026-03-01T00:00:00Z',
            },
          ],
        },
      ],
      { scope: 'following', recurrence_id: '2026-03-04T09:00:00' },
    );
    expect(head).toMatchObject({ rrule: 'FREQ=DAILY;COUNT=2', guest_count: 1 });
    expect(cut_off).toMatchObject({ id, rrule: 'FREQ=DAILY;COUNT=3', guest_count: 1, version: 1 });
    const rows = await t.asOwner<{ response: string; seq: string }>(
      'select id, user_id, response, seq from app.schedule_guests where schedule_id = $1',
      [id],
    );
    expect(rows).toMatchObject([{ id: guest_id, ...person, response: 'accepted' }]);
    expect(await audits(id)).toMatchObject([
      { action: 'schedule.create', after: { cut_off_from: schedule.schedule_id } },
    ]);
    const heads = await t.asOwner<{ seq: string }>('select seq from app.user_calendar_heads where user_id = $1', [
      person.user_id,
    ]);
    expect(heads).toEqual([{ seq: rows[0]!.seq }]);
  });

  test('tells its guests, not who did it, and counts their own heads up', async () => {
    const person = await addMember(t.db, workspace);
    await seedGuest(t.db, schedule, person);
    await seedGuest(t.db, schedule, { user_id: calendar.user_id });
    await seedGuest(t.db, schedule, { email: 'somebody@example.test' });
    const { notified } = await edit(schedule, (loaded) => [update(loaded, { title: 'New' })]);
    expect(notified).toBe(true);
    const told = await t.asOwner<{ payload: object }>(
      `select payload from app.outbox where topic = 'me.deliver' and payload ->> 'schedule_id' = $1`,
      [schedule.schedule_id],
    );
    expect(told).toMatchObject([
      { payload: { ...person, type: 'schedule.updated', title: 'New', actor_user_id: calendar.user_id } },
    ]);
  });

  test('by a viewer is forbidden, by others not found, and none of them waits for the lock', async () => {
    const viewer = await seedSubscription(t.db, calendar, 'viewer');
    const freebusy = await seedSubscription(t.db, calendar, 'freebusy');
    const guest = await addMember(t.db, workspace);
    await seedGuest(t.db, schedule, guest);
    const load = ({ user_id }: { user_id: string }, locks: boolean) =>
      schedules.loadScheduleForEdit(t.db, { user_id, schedule_id: schedule.schedule_id, ...any, locks });
    await withContext(t.db, calendar, async (tx) => {
      await schedules.loadScheduleForEdit(tx, { ...schedule, ...any, locks: true });
      for (const locks of [true, false]) {
        for (const who of [viewer, guest])
          await expect(load(who, locks)).rejects.toMatchObject({ kind: 'forbidden', code: 'schedule.forbidden' });
        for (const who of [freebusy, await addMember(t.db, workspace, 'admin'), await seedUser(t.db)])
          await expect(load(who, locks)).rejects.toMatchObject({ kind: 'not_found', code: 'schedule.not_found' });
      }
      // Who may have it does, and gives up before the deadline.
      await expect(load(calendar, true)).rejects.toMatchObject({ name: 'DbUnavailableError', reason: '55P03' });
      await expect(load(calendar, false)).resolves.toMatchObject({ version: 1, time_zone: 'Europe/Berlin' });
    });
  });

  test('is refused to whom it was taken from while they waited for the lock', async () => {
    const editor = await seedSubscription(t.db, calendar, 'editor');
    let late: Promise<unknown> | undefined;
    await withContext(t.db, calendar, async (tx) => {
      await schedules.loadScheduleForEdit(tx, { ...schedule, ...any, locks: true });
      late = create(editor.user_id).catch((error: unknown) => error);
      await t.asOwner(`update app.calendar_subscriptions set role = 'viewer' where user_id = $1`, [editor.user_id]);
    });
    expect(await late).toMatchObject({ code: 'calendar.forbidden' });
  });

  test('of another version says how it stands: 409 by the body, 412 by the header', async () => {
    await edit(schedule, (loaded) => [update(loaded, { title: 'New' })]);
    const load = (versions: object) =>
      schedules.loadScheduleForEdit(t.db, { ...schedule, ...any, locks: false, ...versions });
    const current = { title: 'New', version: 2, role: 'editor' };
    await expect(load({ version: 1 })).rejects.toMatchObject({
      kind: 'conflict',
      code: 'schedule.version_conflict',
      meta: { current },
    });
    await expect(load({ expected_version: 1 })).rejects.toMatchObject({ kind: 'precondition', meta: { current } });
    await expect(load({ version: 2, expected_version: 2 })).resolves.toMatchObject({ version: 2 });
    const stale = {
      ...schedule,
      version: 1,
      writes: [],
      edit: { action: 'schedule.update', scope: 'all', recurrence_id: null },
    };
    await expect(schedules.applySchedulePlan(t.db, { ...stale, request_id })).rejects.toMatchObject({
      code: 'schedule.version_conflict',
    });
  });
});

describe('deleting', () => {
  test('leaves a tombstone in the calendar and one for each guest, and asks a job to clear its instances away', async () => {
    const person = await addMember(t.db, workspace);
    await seedGuest(t.db, schedule, person);
    await seedRemains(t.db, schedule);
    const how = { action: 'schedule.delete' };
    const done = await edit(schedule, ({ id }) => [{ op: 'delete', id, occurrences_changed: true }], how);
    expect(done).toEqual({ schedule: null, cut_off: null, notified: true });
    const of = [schedule.schedule_id];
    expect(await t.asOwner('select seq from app.schedule_tombstones where schedule_id = $1', of)).toEqual([
      { seq: String(await seqOf(calendar)) },
    ]);
    const buried = await t.asOwner<{ user_id: string }>(
      'select user_id from app.guest_tombstones where schedule_id = $1',
      of,
    );
    expect(buried.map(({ user_id }) => user_id)).toContain(person.user_id);
    for (const table of [
      'schedules where id',
      ...['guests', 'responses', 'reminders', 'overrides', 'bookings'].map(
        (rows) => `schedule_${rows} where schedule_id`,
      ),
    ])
      expect(await t.asOwner(`select 1 from app.${table} = $1`, of), table).toEqual([]);
    expect((await outbox(schedule.schedule_id)).map(({ topic }) => topic)).toContain('calendar.materialise');
    expect(await audits(schedule.schedule_id)).toMatchObject([
      { action: 'schedule.delete', before: { title: 'Seeded schedule' }, after: null },
    ]);
  });

  test('buries nobody who is no guest', async () => {
    const stranger = await seedUser(t.db);
    await withContext(t.db, calendar, async (tx) => {
      await schedules.loadScheduleForEdit(tx, { ...schedule, ...any, locks: true });
      await tx.call('select app.bury_schedule_guests($1, $2)', [schedule.schedule_id, [stranger.user_id]]);
    });
    expect(await t.asOwner('select from app.guest_tombstones where user_id = $1', [stranger.user_id])).toEqual([]);
  });
});

describe('moving to another calendar', () => {
  const move = (user_id: string, to: SeededCalendar) =>
    schedules.moveScheduleToCalendar(t.db, {
      ...{ user_id, schedule_id: schedule.schedule_id, to_calendar_id: to.calendar_id, bookings: null, request_id },
    });

  test('takes along everything that hangs on it, and tells both calendars', async () => {
    const to = await seedCalendar(t.db, workspace);
    await seedRemains(t.db, schedule);
    await seedOverride(t.db, schedule, { recurrence_id: '2026-03-03T09:00:00', title: 'Other' });
    await seedReminder(t.db, schedule);
    const [from_seq, to_seq] = [await seqOf(calendar), await seqOf(to)];
    const moved = await move(calendar.user_id, to);
    expect(moved).toMatchObject({
      calendar_id: to.calendar_id,
      version: 2,
      sequence: 1,
      guest_count: 1,
      override_count: 1,
    });
    expect([await seqOf(calendar), await seqOf(to)]).toEqual([from_seq + 1, to_seq + 1]);
    for (const table of ['overrides', 'guests', 'responses', 'reminders'])
      expect(
        await t.asOwner(`select distinct calendar_id from app.schedule_${table} where schedule_id = $1`, [
          schedule.schedule_id,
        ]),
        table,
      ).toEqual([{ calendar_id: to.calendar_id }]);
    const graves = () =>
      t.asOwner<object>('select calendar_id from app.schedule_tombstones where schedule_id = $1', [
        schedule.schedule_id,
      ]);
    expect(await graves()).toEqual([{ calendar_id: calendar.calendar_id }]);
    await move(calendar.user_id, calendar);
    expect(await graves()).toEqual([{ calendar_id: to.calendar_id }]);
  });

  test('needs an editor on both, one workspace, and no copy that is there already', async () => {
    const editor = await seedSubscription(t.db, calendar, 'editor');
    const to = await seedCalendar(t.db, workspace);
    await expect(move(editor.user_id, to)).rejects.toMatchObject({ kind: 'not_found', code: 'calendar.not_found' });
    await seedSubscription(t.db, to, 'viewer', editor);
    await expect(move(editor.user_id, to)).rejects.toMatchObject({ kind: 'forbidden', code: 'calendar.forbidden' });
    const elsewhere = await seedCalendar(t.db, await seedWorkspace(t.db, calendar));
    await expect(move(calendar.user_id, elsewhere)).rejects.toMatchObject({
      kind: 'invalid',
      code: 'schedule.other_workspace',
      meta: { pointer: '/calendar_id' },
    });
    await seedSchedule(t.db, to, { uid: schedule.uid });
    await expect(move(calendar.user_id, to)).rejects.toMatchObject({ kind: 'conflict', code: 'schedule.uid_taken' });
    const stranger = await seedCalendar(t.db);
    await expect(move(stranger.user_id, stranger)).rejects.toMatchObject({ code: 'schedule.not_found' });
    expect(await seqOf(calendar)).toBe(0);
  });

  test('two that move against each other both get there, or say that they could not wait', async () => {
    const to = await seedCalendar(t.db, workspace);
    const back = await seedSchedule(t.db, to);
    const other = {
      user_id: calendar.user_id,
      schedule_id: back.schedule_id,
      to_calendar_id: calendar.calendar_id,
      bookings: null,
    };
    const done = await Promise.allSettled([
      move(calendar.user_id, to),
      schedules.moveScheduleToCalendar(t.db, { ...other, request_id }),
    ]);
    expect(done.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
  });
});
