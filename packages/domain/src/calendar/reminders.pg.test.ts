import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { addMember, seedUser, seedWorkspace, type SeededWorkspace } from '@potentia/db/testing/seed';
import {
  seedCalendar,
  seedGuest,
  seedReminder,
  seedSchedule,
  seedSubscription,
  type SeededCalendar,
  type SeededSchedule,
} from '@potentia/db/testing/seed-calendar';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { personCtx } from '../platform/testing/person.ts';
import { newId } from '../platform/uuid.ts';
import { createReminder } from './create-reminder.ts';
import { deleteReminder } from './delete-reminder.ts';
import { listReminders } from './list-reminders.ts';
import type { Reminder, ReminderPreview } from './reminder-schemas.ts';
import { updateReminder } from './update-reminder.ts';

let t: TestDatabase;
let workspace: SeededWorkspace;
let calendar: SeededCalendar;
let schedule: SeededSchedule;
let owner: string;
let viewer: string;
beforeAll(async () => {
  t = await createTestDatabase();
});
afterAll(() => t.drop());
beforeEach(async () => {
  workspace = await seedWorkspace(t.db);
  calendar = await seedCalendar(t.db, workspace);
  owner = calendar.user_id;
  viewer = (await seedSubscription(t.db, calendar)).user_id;
  schedule = await seedSchedule(t.db, calendar, { rrule: 'FREQ=DAILY' });
});

const THIRD = '2026-03-04T09:00:00';
const FIFTH = '2026-03-06T09:00:00';
const create = async (who: string, more: object = {}): Promise<Reminder> =>
  (await createReminder(personCtx(t.db, who), { schedule_id: schedule.schedule_id, minutes_before: 10, ...more }))
    .result as Reminder;
const list = async (who: string) =>
  (await listReminders(personCtx(t.db, who), { schedule_id: schedule.schedule_id })).items;
const on = ({ id }: { id: string }) => ({ schedule_id: schedule.schedule_id, reminder_id: id });
const update = async (who: string, reminder: { id: string }, more: object) =>
  (await updateReminder(personCtx(t.db, who), { ...on(reminder), ...more })) as Reminder;
const remove = (who: string, reminder: { id: string }, more: object = {}) =>
  deleteReminder(personCtx(t.db, who), { ...on(reminder), ...more });

describe('a reminder', () => {
  it('is made, seen, changed and deleted by whoever reads the schedule, each time audited', async () => {
    const made = await create(viewer, { channels: ['in_app', 'email'] });
    expect(made).toMatchObject({
      schedule_id: schedule.schedule_id,
      applies_to: 'all',
      recurrence_id: null,
      minutes_before: 10,
      local_time: null,
      channels: ['in_app', 'email'],
      version: 1,
    });
    const changed = await update(viewer, made, { local_time: '18:30', days_before: 1, version: 1 });
    expect(changed).toMatchObject({ minutes_before: null, local_time: '18:30:00', days_before: 1, version: 2 });
    expect(await list(viewer)).toEqual([changed]);
    await remove(viewer, made);
    expect(await list(viewer)).toEqual([]);
    const audits = await t.asOwner<{ action: string; before: object | null; after: object | null }>(
      'select action, before, after from app.audit_logs where target_id = $1 order by created_at, id',
      [made.id],
    );
    expect(audits).toMatchObject([
      { action: 'reminder.create', before: null, after: { minutes_before: 10, schedule_id: schedule.schedule_id } },
      { action: 'reminder.update', before: { minutes_before: 10 }, after: { local_time: '18:30:00', days_before: 1 } },
      { action: 'reminder.delete', before: { local_time: '18:30:00' }, after: null },
    ]);
  });

  it('is nobody else’s to see, change or delete, not even the owner’s', async () => {
    const made = await create(viewer);
    expect(await list(owner)).toEqual([]);
    await expect(update(owner, made, { minutes_before: 5 })).rejects.toMatchObject({ code: 'reminder.not_found' });
    await expect(remove(owner, made)).rejects.toMatchObject({ kind: 'not_found', code: 'reminder.not_found' });
    expect(await list(viewer)).toEqual([made]);
  });

  it('is not for whoever cannot read the schedule: to them there is none', async () => {
    const { reminder_id } = await seedReminder(t.db, schedule, { user_id: viewer });
    const guest = await seedGuest(t.db, schedule);
    expect(await list(guest.user_id!)).toEqual([]);
    await t.asOwner('delete from app.schedule_guests where id = $1', [guest.guest_id]);
    const strangers = [
      (await seedUser(t.db)).user_id,
      (await addMember(t.db, workspace)).user_id,
      (await seedSubscription(t.db, calendar, 'freebusy')).user_id,
      guest.user_id!,
    ];
    for (const who of strangers) {
      const attempts = await Promise.allSettled([
        create(who),
        list(who),
        update(who, { id: reminder_id }, { minutes_before: 1 }),
        remove(who, { id: reminder_id }),
      ]);
      const codes = attempts.map((attempt) => (attempt.status === 'rejected' ? attempt.reason.code : 'done'));
      expect(new Set(codes)).toEqual(new Set(['schedule.not_found']));
    }
  });

  it('is made once for one Idempotency-Key', async () => {
    const ctx = personCtx(t.db, viewer, { idempotency_key: newId() });
    const input = { schedule_id: schedule.schedule_id, minutes_before: 10 };
    const [first, again] = [await createReminder(ctx, input), await createReminder(ctx, input)];
    expect([first.replayed, again.replayed]).toEqual([false, true]);
    expect(again.result).toEqual(first.result);
    expect(await list(viewer)).toHaveLength(1);
  });

  it('is one of at most twenty, also when they come at once', async () => {
    for (let n = 0; n < 18; n++) await seedReminder(t.db, schedule, { user_id: viewer });
    const made = await Promise.allSettled([1, 2, 3, 4].map(() => create(viewer)));
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    const refused = made.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    expect(refused).toMatchObject([
      { kind: 'conflict', code: 'reminder.too_many' },
      { kind: 'conflict', code: 'reminder.too_many' },
    ]);
    expect(await list(viewer)).toHaveLength(20);
    expect(await create(owner)).toMatchObject({ version: 1 });
  });

  it('says when in one way, and which field is wrong', async () => {
    const wrong = [
      [{ minutes_before: undefined }, '/minutes_before'],
      [{ local_time: '09:00' }, '/minutes_before'],
      [{ minutes_before: 50_000 }, '/minutes_before'],
      [{ minutes_before: undefined, local_time: '9 am' }, '/local_time'],
      [{ channels: [] }, '/channels'],
      [{ channels: ['in_app', 'in_app'] }, '/channels'],
      [{ scope: 'this' }, '/recurrence_id'],
      [{ recurrence_id: THIRD }, '/recurrence_id'],
    ] as const;
    for (const [input, pointer] of wrong) {
      await expect(create(viewer, input)).rejects.toMatchObject({ kind: 'invalid', meta: { errors: [{ pointer }] } });
    }
    await expect(create(viewer, { scope: 'this', recurrence_id: '2026-03-04T10:00:00' })).rejects.toMatchObject({
      kind: 'not_found',
      code: 'schedule.occurrence_not_found',
    });
  });

  it('changed on a stale version stays, and is told as it stands', async () => {
    const made = await create(viewer);
    await update(viewer, made, { minutes_before: 20, version: 1 });
    await expect(update(viewer, made, { minutes_before: 30, version: 1 })).rejects.toMatchObject({
      kind: 'conflict',
      code: 'reminder.version_conflict',
      meta: { current: { minutes_before: 20, version: 2 } },
    });
  });
});

describe('a scope', () => {
  it('of one occurrence leaves that one to another reminder, or to none', async () => {
    const made = await create(viewer);
    const taken = await update(viewer, made, { scope: 'this', recurrence_id: THIRD, minutes_before: 60 });
    expect(taken).toMatchObject({ applies_to: 'this', recurrence_id: THIRD, minutes_before: 60, skips: [] });
    await remove(viewer, made, { scope: 'this', recurrence_id: FIFTH });
    expect(await list(viewer)).toMatchObject([
      { id: made.id, minutes_before: 10, skips: [THIRD, FIFTH] },
      { id: taken.id },
    ]);
    await expect(remove(viewer, made, { scope: 'this', recurrence_id: THIRD })).rejects.toMatchObject({
      code: 'reminder.not_found',
    });
    expect(await update(viewer, taken, { scope: 'this', recurrence_id: THIRD, minutes_before: 5 })).toMatchObject({
      id: taken.id,
    });
    await remove(viewer, taken, { scope: 'this', recurrence_id: THIRD });
    expect(await list(viewer)).toHaveLength(1);
  });

  it('of one occurrence after another leaves out so many at most', async () => {
    const made = await create(viewer);
    await t.asOwner(
      `update app.schedule_reminders set skips = array(select timestamp '2026-06-01 09:00' + n * interval '1 day' from generate_series(1, 500) n) where id = $1`,
      [made.id],
    );
    for (const dry_run of [true, false]) {
      await expect(remove(viewer, made, { scope: 'this', recurrence_id: THIRD, dry_run })).rejects.toMatchObject({
        kind: 'invalid',
        meta: { errors: [{ pointer: '/recurrence_id' }] },
      });
    }
  });

  it('of one and those after it ends the reminder there', async () => {
    const made = await create(viewer);
    await remove(viewer, made, { scope: 'this', recurrence_id: FIFTH });
    const taken = await update(viewer, made, { scope: 'following', recurrence_id: THIRD, local_time: '08:00' });
    expect(taken).toMatchObject({
      applies_to: 'following',
      recurrence_id: THIRD,
      until_recurrence_id: null,
      skips: [FIFTH],
      minutes_before: null,
      local_time: '08:00:00',
      days_before: 0,
    });
    expect(await list(viewer)).toMatchObject([
      { id: made.id, until_recurrence_id: THIRD, skips: [] },
      { id: taken.id },
    ]);
    await expect(remove(viewer, made, { scope: 'this', recurrence_id: FIFTH })).rejects.toMatchObject({
      code: 'reminder.not_found',
    });
    await remove(viewer, taken, { scope: 'following', recurrence_id: THIRD });
    expect(await list(viewer)).toMatchObject([{ id: made.id }]);
  });

  it('of following at the first occurrence is all', async () => {
    const made = await create(viewer);
    const first = { scope: 'following', recurrence_id: '2026-03-02T09:00:00' };
    expect(await update(viewer, made, { ...first, minutes_before: 1 })).toMatchObject({
      id: made.id,
      applies_to: 'all',
    });
    await remove(viewer, made, first);
    expect(await list(viewer)).toEqual([]);
  });

  it('is said when a reminder is made', async () => {
    expect(await create(viewer, { scope: 'following', recurrence_id: THIRD })).toMatchObject({
      applies_to: 'following',
      recurrence_id: THIRD,
    });
    expect(await create(viewer, { scope: 'this', recurrence_id: THIRD })).toMatchObject({ applies_to: 'this' });
  });
});

describe('a dry run', () => {
  it('says what then happens, and does nothing itself', async () => {
    const made = await create(viewer);
    const edits: [object, boolean][] = [
      [{ scope: 'this', recurrence_id: FIFTH, local_time: '08:00' }, false],
      [{ scope: 'following', recurrence_id: THIRD, minutes_before: 60 }, false],
      [{ scope: 'this', recurrence_id: '2026-03-03T09:00:00' }, true],
      [{ channels: ['email'] }, false],
      [{}, true],
    ];
    for (const [edit, is_deletion] of edits) {
      const before = await list(viewer);
      const run = (dry_run: boolean) =>
        is_deletion ? remove(viewer, made, { ...edit, dry_run }) : update(viewer, made, { ...edit, dry_run });
      const { added, changed, removed } = (await run(true)) as unknown as ReminderPreview;
      expect(await list(viewer)).toEqual(before);
      await run(false);
      const after = await list(viewer);
      const fresh = after.filter(({ id }) => before.every((one) => one.id !== id));
      expect(fresh).toMatchObject(added.map(({ id: _none, ...rest }) => rest));
      expect(fresh).toHaveLength(added.length);
      const stays = after.filter((row) => !fresh.includes(row));
      const expected = before.flatMap((row) =>
        removed.some(({ id }) => id === row.id) ? [] : [changed.find(({ id }) => id === row.id) ?? row],
      );
      expect(stays).toHaveLength(expected.length);
      expect(stays).toMatchObject(expected.map((row) => partsOf(row as Partial<Reminder>)));
    }
    expect(await list(viewer)).toHaveLength(2);
  });

  it('refuses what would be refused', async () => {
    const made = await create(viewer);
    for (const [more, code] of [
      [{ version: 7, minutes_before: 5 }, 'reminder.version_conflict'],
      [{ scope: 'this', recurrence_id: '2026-03-04T10:00:00', minutes_before: 5 }, 'schedule.occurrence_not_found'],
    ] as const) {
      await expect(update(viewer, made, { ...more, dry_run: true })).rejects.toMatchObject({ code });
    }
    await expect(remove(owner, made, { dry_run: true })).rejects.toMatchObject({ code: 'reminder.not_found' });
    for (let n = 1; n < 20; n++) await seedReminder(t.db, schedule, { user_id: viewer });
    await expect(create(viewer, { dry_run: true })).rejects.toMatchObject({ code: 'reminder.too_many' });
  });
});

/** What a preview tells of one that stays: its version and times are its own. */
const partsOf = ({ version: _v, created_at: _c, updated_at: _u, ...parts }: Partial<Reminder>) => parts;
