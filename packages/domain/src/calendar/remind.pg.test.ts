import { settleReminders, takeDueReminders } from '@potentia/db/calendar/reminder-queries';
import { asSystem } from '@potentia/db/context';
import { createTestDatabase, type TestDatabase } from '@potentia/db/testing/database';
import { addMember, seedWorkspace, type SeededWorkspace } from '@potentia/db/testing/seed';
import {
  seedCalendar,
  seedGuest,
  seedOverride,
  seedReminder,
  seedSchedule,
  seedSubscription,
  type SeededCalendar,
  type SeededSchedule,
} from '@potentia/db/testing/seed-calendar';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { updateMe } from '../auth/update-me.ts';
import { personCtx } from '../platform/testing/person.ts';
import { composeReminderMail } from './compose-reminder-mail.ts';
import { createReminder } from './create-reminder.ts';
import type { Reminder } from './reminder-schemas.ts';
import { remind } from './remind.ts';
import { updateSchedule } from './update-schedule.ts';

/* Each test has a database of its own: a run takes whatever is due. Nothing is made in the past: the clock is the job's. */
let t: TestDatabase;
let workspace: SeededWorkspace;
let calendar: SeededCalendar;
let me: string;
beforeEach(async () => {
  t = await createTestDatabase();
  workspace = await seedWorkspace(t.db);
  calendar = await seedCalendar(t.db, workspace);
  me = (await seedSubscription(t.db, calendar)).user_id;
});
afterEach(() => t.drop());

const DAILY = { starts_local: '2040-03-05T09:00:00', rrule: 'FREQ=DAILY', first_at: '2040-03-05T09:00:00Z' };
/** A run at this time. */
async function runAt(now: string) {
  const late: [string, number][] = [];
  const reminders = { observeReminder: (channel: string, late_ms: number) => void late.push([channel, late_ms]) };
  const { bus, log, request_id } = personCtx(t.db, me);
  const done = await remind({ db: t.job_db, bus, log, request_id, clock: () => new Date(now), reminders });
  return { ...done, late };
}
interface Message {
  topic: string;
  user_id: string;
  type: string | null;
  reminder_id: string;
  recurrence_id: string;
  starts_at: string;
  title: string | null;
}
const messages = () =>
  t.asOwner<Message>(
    `select topic, payload ->> 'user_id' as user_id, payload ->> 'type' as type, payload ->> 'title' as title,
       coalesce(payload ->> 'reminder_id', payload ->> 'reference') as reminder_id, payload ->> 'recurrence_id' as recurrence_id,
       payload ->> 'starts_at' as starts_at
     from app.outbox where topic in ('me.deliver', 'mail.send') order by created_at, payload ->> 'recurrence_id', topic desc`,
  );
const named = async () => (await messages()).map(({ recurrence_id }) => recurrence_id);
const nextOf = async (id: string) =>
  (
    await t.asOwner<{ next_at: string | null; next_recurrence_id: string | null }>(
      `select app.iso(next_at) as next_at, next_recurrence_id::text from app.schedule_reminders where id = $1`,
      [id],
    )
  )[0]!;
const make = async (schedule: SeededSchedule, more: object = {}, who = me) =>
  (
    (await createReminder(personCtx(t.db, who), { schedule_id: schedule.schedule_id, minutes_before: 10, ...more }))
      .result as Reminder
  ).id;
const resetAll = () => t.asOwner(`update app.schedule_reminders set next_at = '-infinity', next_recurrence_id = null`);

describe('a reminder', () => {
  it('is worked out, sent when it is due by all of its channels, and then due for the next occurrence', async () => {
    const schedule = await seedSchedule(t.db, calendar, { ...DAILY, title: 'Standup' });
    const id = await make(schedule, { channels: ['in_app', 'email'] });
    expect(await runAt('2040-03-01T00:00:00Z')).toMatchObject({ taken: 1, sent: 0 });
    expect(await nextOf(id)).toEqual({
      next_at: '2040-03-05T08:50:00Z',
      next_recurrence_id: '2040-03-05 09:00:00',
    });
    expect(await runAt('2040-03-05T08:49:59Z')).toMatchObject({ taken: 0 });
    expect(await runAt('2040-03-05T08:50:07Z')).toMatchObject({
      sent: 2,
      late: [
        ['in_app', 7_000],
        ['email', 7_000],
      ],
    });
    expect(await messages()).toEqual([
      {
        topic: 'me.deliver',
        user_id: me,
        type: 'schedule.reminder',
        title: 'Standup',
        reminder_id: id,
        recurrence_id: '2040-03-05T09:00:00',
        starts_at: '2040-03-05T09:00:00Z',
      },
      expect.objectContaining({
        topic: 'mail.send',
        user_id: me,
        reminder_id: id,
        recurrence_id: '2040-03-05T09:00:00',
      }),
    ]);
    expect(await nextOf(id)).toMatchObject({ next_at: '2040-03-06T08:50:00Z' });
    expect(await runAt('2040-03-05T08:51:00Z')).toMatchObject({ taken: 0, sent: 0 });
  });

  it('is not sent again because its schedule changed, and is when the occurrence is at another time', async () => {
    const schedule = await seedSchedule(t.db, calendar, DAILY);
    await make(schedule);
    await runAt('2040-03-01T00:00:00Z');
    await runAt('2040-03-05T08:50:00Z');
    await resetAll();
    await runAt('2040-03-05T08:55:00Z');
    expect(await named()).toEqual(['2040-03-05T09:00:00']);
    await seedOverride(t.db, schedule, {
      recurrence_id: '2040-03-05T09:00:00',
      starts_local: '2040-03-05T15:00:00',
      title: 'Later',
    });
    await resetAll();
    await runAt('2040-03-05T08:56:00Z');
    await runAt('2040-03-05T14:50:00Z');
    expect(await messages()).toMatchObject([
      {},
      { recurrence_id: '2040-03-05T09:00:00', title: 'Later', starts_at: '2040-03-05T15:00:00Z' },
    ]);
  });

  it('follows the schedule when that moves, and into the half that is cut off', async () => {
    const schedule = await seedSchedule(t.db, calendar, { ...DAILY, rrule: 'FREQ=DAILY;COUNT=6' });
    const id = await make(schedule);
    await make(schedule, { scope: 'this', recurrence_id: '2040-03-08T09:00:00', minutes_before: 30 });
    await runAt('2040-03-01T00:00:00Z');
    const busy = { read: () => null, write: () => Promise.resolve(), count: () => undefined };
    const change = (query: object) =>
      updateSchedule({ ...personCtx(t.db, calendar.user_id), busy }, { schedule_id: schedule.schedule_id, ...query });
    await change({ starts_local: '2040-03-05T10:00:00' });
    await runAt('2040-03-01T00:00:10Z');
    expect(await nextOf(id)).toMatchObject({ next_at: '2040-03-05T09:50:00Z' });
    await change({ scope: 'following', recurrence_id: '2040-03-07T10:00:00', starts_local: '2040-03-07T12:00:00' });
    await runAt('2040-03-01T00:00:20Z');
    for (let day = 5; day <= 11; day++) {
      for (const clock of ['09:50', '11:30', '11:50'])
        await runAt(`2040-03-${String(day).padStart(2, '0')}T${clock}:00Z`);
    }
    expect((await messages()).map(({ starts_at }) => starts_at.slice(5, 16))).toEqual([
      '03-05T10:00',
      '03-06T10:00',
      '03-07T12:00',
      '03-08T12:00',
      '03-08T12:00',
      '03-09T12:00',
      '03-10T12:00',
    ]);
    expect(new Set((await messages()).map(({ reminder_id }) => reminder_id)).size).toBe(3);
  });

  it('of a series that is over is never due again', async () => {
    const over = await make(await seedSchedule(t.db, calendar, { ...DAILY, rrule: 'FREQ=DAILY;COUNT=2' }));
    const past = await make(await seedSchedule(t.db, calendar, { starts_local: '2020-01-01T09:00:00' }));
    await runAt('2040-03-01T00:00:00Z');
    expect(await nextOf(past)).toEqual({ next_at: null, next_recurrence_id: null });
    await runAt('2040-03-05T08:50:00Z');
    await runAt('2040-03-06T08:50:00Z');
    expect(await named()).toEqual(['2040-03-05T09:00:00', '2040-03-06T09:00:00']);
    expect(await nextOf(over)).toEqual({ next_at: null, next_recurrence_id: null });
  });

  it('of what is far ahead is looked for again', async () => {
    const far = await make(await seedSchedule(t.db, calendar, { ...DAILY, rrule: 'FREQ=YEARLY;INTERVAL=4' }));
    await runAt('2036-05-01T00:00:00Z');
    const { next_at, next_recurrence_id } = await nextOf(far);
    expect(next_recurrence_id).toBeNull();
    expect(next_at! > '2037-01-01' && next_at! < '2038-01-01').toBe(true);
    await runAt(next_at!);
    await runAt('2039-05-01T00:00:00Z');
    expect(await nextOf(far)).toMatchObject({ next_at: '2040-03-05T08:50:00Z' });
  });

  it('is of those occurrences alone that it applies to', async () => {
    const schedule = await seedSchedule(t.db, calendar, DAILY);
    const only = await make(schedule, { scope: 'this', recurrence_id: '2040-03-06T09:00:00' });
    const later = await make(schedule, { scope: 'following', recurrence_id: '2040-03-07T09:00:00' });
    await t.asOwner(
      `update app.schedule_reminders set skips = '{2040-03-08 09:00}', until_recurrence_id = '2040-03-10 09:00' where id = $1`,
      [later],
    );
    await runAt('2040-03-01T00:00:00Z');
    for (let day = 5; day <= 12; day++) await runAt(`2040-03-${String(day).padStart(2, '0')}T08:55:00Z`);
    expect((await messages()).map(({ reminder_id, recurrence_id }) => [reminder_id, recurrence_id])).toEqual([
      [only, '2040-03-06T09:00:00'],
      [later, '2040-03-07T09:00:00'],
      [later, '2040-03-09T09:00:00'],
    ]);
    expect([await nextOf(only), await nextOf(later)]).toMatchObject([{ next_at: null }, { next_at: null }]);
  });
});

describe('a time of day', () => {
  it('is of the zone of the person, and follows them to another', async () => {
    const schedule = await seedSchedule(t.db, calendar, { starts_local: '2040-03-05T20:00:00' });
    await t.asOwner(`update app.users set time_zone = 'Asia/Jakarta' where id = $1`, [me]);
    const id = await make(schedule, { minutes_before: undefined, local_time: '18:00', days_before: 1 });
    await runAt('2040-03-01T00:00:00Z');
    // 03:00 on the 6th in Jakarta: the day before is the 5th.
    expect(await nextOf(id)).toMatchObject({ next_at: '2040-03-05T11:00:00Z' });
    await updateMe(personCtx(t.db, me), { time_zone: 'America/New_York' });
    await runAt('2040-03-01T00:00:00Z');
    expect(await nextOf(id)).toMatchObject({ next_at: '2040-03-04T23:00:00Z' });
  });

  it('counts an all-day occurrence from midnight where the person is, and a floating one from their clock', async () => {
    await t.asOwner(`update app.users set time_zone = 'Asia/Jakarta' where id = $1`, [me]);
    const day = await make(await seedSchedule(t.db, calendar, { is_all_day: true, starts_local: '2040-03-05' }), {
      minutes_before: 60,
    });
    const floating = await make(
      await seedSchedule(t.db, calendar, { starts_local: '2040-03-05T09:00:00', time_zone: null }),
    );
    await runAt('2040-03-01T00:00:00Z');
    expect(await nextOf(day)).toEqual({
      next_at: '2040-03-04T16:00:00Z',
      next_recurrence_id: '2040-03-05 00:00:00',
    });
    expect(await nextOf(floating)).toMatchObject({ next_at: '2040-03-05T01:50:00Z' });
    await runAt('2040-03-05T01:50:00Z');
    expect(await messages()).toMatchObject([
      { recurrence_id: '2040-03-05', starts_at: '2040-03-04T17:00:00Z' },
      { recurrence_id: '2040-03-05T09:00:00', starts_at: '2040-03-05T02:00:00Z' },
    ]);
  });

  it('that is the same for two occurrences of a day reminds of both', async () => {
    const schedule = await seedSchedule(t.db, calendar, { ...DAILY, rrule: 'FREQ=DAILY;BYHOUR=9,15' });
    await make(schedule, { minutes_before: undefined, local_time: '07:00' });
    await runAt('2040-03-01T00:00:00Z');
    await runAt('2040-03-05T07:00:00Z');
    expect(await named()).toEqual(['2040-03-05T09:00:00', '2040-03-05T15:00:00']);
  });
});

describe('nobody is reminded', () => {
  it('of what they may no longer read, and everybody again of what they may', async () => {
    const schedule = await seedSchedule(t.db, calendar, DAILY);
    const other = (await seedSubscription(t.db, calendar)).user_id;
    const guest = await seedGuest(t.db, schedule);
    for (const who of [me, other, guest.user_id!]) await make(schedule, {}, who);
    await runAt('2040-03-01T00:00:00Z');
    await t.asOwner(`update app.calendar_subscriptions set role = 'freebusy' where user_id = $1`, [me]);
    await t.asOwner('delete from app.calendar_subscriptions where user_id = $1', [other]);
    await t.asOwner('delete from app.schedule_guests where id = $1', [guest.guest_id]);
    expect(await runAt('2040-03-05T08:50:00Z')).toMatchObject({ taken: 3, sent: 0 });
    await t.asOwner(`update app.calendar_subscriptions set role = 'viewer' where user_id = $1`, [me]);
    await runAt('2040-03-06T08:50:00Z');
    expect(await messages()).toMatchObject([{ user_id: me, recurrence_id: '2040-03-06T09:00:00' }]);
    await t.asOwner('delete from app.workspace_members where user_id = $1', [me]);
    expect(await runAt('2040-03-07T08:50:00Z')).toMatchObject({ sent: 0 });
  });

  it('of a private schedule that they only could read before', async () => {
    const schedule = await seedSchedule(t.db, calendar, DAILY);
    await make(schedule);
    await runAt('2040-03-01T00:00:00Z');
    await t.asOwner(`update app.schedules set visibility = 'private'`);
    expect(await runAt('2040-03-05T08:50:00Z')).toMatchObject({ taken: 1, sent: 0 });
  });

  it('of what they declined, this one or from there on', async () => {
    const schedule = await seedSchedule(t.db, calendar, DAILY);
    const { guest_id } = await seedGuest(t.db, schedule, { user_id: me, response: 'accepted' });
    await make(schedule);
    const answer = (recurrence_id: string, applies_to: string, response: string) =>
      t.asOwner(
        `insert into app.schedule_responses (workspace_id, calendar_id, schedule_id, guest_id, recurrence_id, applies_to, response)
         values ($1, $2, $3, $4, $5, $6, $7)`,
        [
          workspace.workspace_id,
          calendar.calendar_id,
          schedule.schedule_id,
          guest_id,
          recurrence_id,
          applies_to,
          response,
        ],
      );
    await answer('2040-03-05T09:00:00', 'this', 'declined');
    await answer('2040-03-07T09:00:00', 'following', 'declined');
    await answer('2040-03-08T09:00:00', 'this', 'accepted');
    await runAt('2040-03-01T00:00:00Z');
    for (const day of [5, 6, 7, 8, 9]) await runAt(`2040-03-0${day}T08:50:00Z`);
    expect(await named()).toEqual(['2040-03-06T09:00:00', '2040-03-08T09:00:00']);
  });

  it('of what is cancelled or left out', async () => {
    const schedule = await seedSchedule(t.db, calendar, { ...DAILY, exdates: ['2040-03-05T09:00:00'] });
    await make(schedule);
    await runAt('2040-03-01T00:00:00Z');
    await seedOverride(t.db, schedule, { recurrence_id: '2040-03-06T09:00:00', is_cancelled: true });
    await seedOverride(t.db, schedule, { recurrence_id: '2040-03-07T09:00:00', title: 'x' });
    await t.asOwner(`update app.schedule_overrides set status = 'cancelled' where title = 'x'`);
    for (const day of [5, 6, 7, 8]) await runAt(`2040-03-0${day}T08:50:00Z`);
    expect(await named()).toEqual(['2040-03-08T09:00:00']);
    await t.asOwner(`update app.schedules set status = 'cancelled'`);
    expect(await runAt('2040-03-09T08:50:00Z')).toMatchObject({ taken: 1, sent: 0 });
  });

  it('of what was due before they asked', async () => {
    const schedule = await seedSchedule(t.db, calendar, DAILY);
    const id = await make(schedule, { minutes_before: 120 });
    await t.asOwner(`update app.schedule_reminders set updated_at = '2040-03-05T08:30:00Z'`);
    await runAt('2040-03-05T08:30:05Z');
    expect(await messages()).toEqual([]);
    expect(await nextOf(id)).toMatchObject({ next_at: '2040-03-06T07:00:00Z' });
  });
});

describe('after an outage', () => {
  it('a reminder is still sent, once, while its occurrence lasts, and for an hour; those between are passed over', async () => {
    const day = { rrule: null, starts_local: '2040-03-05T09:00:00' };
    const long = await make(await seedSchedule(t.db, calendar, { ...day, duration_seconds: 6 * 3_600 }));
    await make(await seedSchedule(t.db, calendar, { ...day, duration_seconds: 1_800 }));
    const short = await make(
      await seedSchedule(t.db, calendar, { ...day, starts_local: '2040-03-05T11:10:00', duration_seconds: 60 }),
    );
    const hourly = await make(
      await seedSchedule(t.db, calendar, { ...DAILY, rrule: 'FREQ=HOURLY;INTERVAL=4', duration_seconds: 60 }),
    );
    await runAt('2040-03-01T00:00:00Z');
    await runAt('2040-03-05T11:45:00Z');
    expect((await messages()).map(({ reminder_id }) => reminder_id).toSorted()).toEqual([long, short].toSorted());
    expect(await nextOf(hourly)).toMatchObject({ next_at: '2040-03-05T12:50:00Z' });
  });
});

describe('once', () => {
  const due = '2040-03-05T08:50:00Z';
  async function makeMany(count: number): Promise<void> {
    const schedule = await seedSchedule(t.db, calendar, DAILY);
    await t.asOwner(
      `insert into app.schedule_reminders (workspace_id, calendar_id, schedule_id, id, user_id, minutes_before, next_at, updated_at)
       select workspace_id, calendar_id, id, app.uuidv7(), $2, 10, '-infinity', '2040-01-01' from app.schedules, generate_series(1, $3)
       where id = $1`,
      [schedule.schedule_id, me, count],
    );
    await runAt('2040-03-01T00:00:00Z');
  }
  const doubles = () =>
    t.asOwner<{ n: string; doubled: string }>(
      `select count(*) as n, count(*) - count(distinct (payload ->> 'reminder_id', payload ->> 'recurrence_id')) as doubled
       from app.outbox where topic = 'me.deliver'`,
    );

  it('however many run at once', async () => {
    await makeMany(1_500);
    const runs = await Promise.all([1, 2, 3, 4].map(() => runAt(due)));
    expect(runs.reduce((sum, { sent }) => sum + sent, 0)).toBe(1_500);
    expect(await doubles()).toEqual([{ n: '1500', doubled: '0' }]);
    expect(await runAt('2040-03-05T08:51:00Z')).toMatchObject({ taken: 0 });
  });

  it('when a worker dies with what it took, before or after it has written', async () => {
    await makeMany(50);
    const die = (writes: boolean) =>
      asSystem(t.job_db, 'calendar.remind', async (tx) => {
        const taken = await takeDueReminders(tx, { now: due, limit: 20 });
        const rows = taken.reminders.map(({ id }) => ({ id, next_at: null, next_recurrence_id: null, last_at: due }));
        const payload = { user_id: me, type: 'schedule.reminder' };
        const message = { topic: 'me.deliver', workspace_id: workspace.workspace_id, user_id: me, payload };
        if (writes) await settleReminders(tx, { rows, messages: rows.map(() => message), request_id: 'r' });
        // Its backend goes as the connection does when the process dies.
        await tx.call('select pg_terminate_backend(pg_backend_pid())');
      });
    await expect(die(false)).rejects.toThrow();
    await expect(die(true)).rejects.toThrow();
    expect(await doubles()).toEqual([{ n: '0', doubled: '0' }]);
    expect(await runAt(due)).toMatchObject({ sent: 50 });
    expect(await doubles()).toEqual([{ n: '50', doubled: '0' }]);
  });

  it('and what one worker has taken keeps nobody waiting', async () => {
    await makeMany(30);
    await asSystem(t.job_db, 'calendar.remind', async (tx) => {
      expect((await takeDueReminders(tx, { now: due, limit: 20 })).reminders).toHaveLength(20);
      expect(await runAt(due)).toMatchObject({ taken: 10, sent: 10 });
    });
    expect(await runAt(due)).toMatchObject({ sent: 20 });
  });

  it('a series that cannot be expanded is given up, and keeps no other waiting', async () => {
    await makeMany(1);
    const broken = await seedSchedule(t.db, calendar, { ...DAILY, rrule: 'FREQ=NEVER' });
    const { reminder_id } = await seedReminder(t.db, broken, { user_id: me });
    expect(await runAt(due)).toMatchObject({ sent: 1 });
    expect(await nextOf(reminder_id)).toMatchObject({ next_at: null });
  });
});

describe('the mail', () => {
  const compose = (schedule: SeededSchedule, user_id = me) =>
    composeReminderMail(
      { db: t.job_db, log: personCtx(t.db, me).log, mailer: undefined as never, app_url: 'https://app.example.com' },
      {
        outbox_id: 'x',
        workspace_id: workspace.workspace_id,
        user_id,
        payload: {
          template: 'schedule_reminder',
          reference: 'x',
          user_id,
          schedule_id: schedule.schedule_id,
          recurrence_id: '2040-03-05T09:00:00',
          starts_at: '2040-03-05T09:00:00Z',
          ends_at: '2040-03-05T10:00:00Z',
        },
        traceparent: null,
        request_id: null,
        created_at: '2040-03-05T08:50:00.000Z',
      },
    );

  it('tells when and where in the zone and the language of its reader', async () => {
    const schedule = await seedSchedule(t.db, calendar, { ...DAILY, title: 'Standup\r\nBcc: x' });
    await t.asOwner(`update app.users set time_zone = 'Asia/Jakarta', locale = 'id' where id = $1`, [me]);
    const mail = await compose(schedule);
    expect(mail!.subject).toMatch(/^Pengingat: Standup Bcc: x, Senin, 0?5 Maret 2040/);
    expect(mail!.text).toContain('16.00–17.00 (Asia/Jakarta)');
    expect(mail!.text).toContain(
      `https://app.example.com/calendars/${calendar.calendar_id}/schedules/${schedule.schedule_id}?`,
    );
    const english = await compose(schedule, calendar.user_id);
    expect(english!.subject).toMatch(/^Reminder: Standup Bcc: x, Monday.? 5 March 2040/);
  });

  it('is not written to whoever reads the schedule no more, nor of what was called off', async () => {
    const schedule = await seedSchedule(t.db, calendar, DAILY);
    expect(await compose(schedule, (await addMember(t.db, workspace)).user_id)).toBeNull();
    await seedOverride(t.db, schedule, { recurrence_id: '2040-03-05T09:00:00', is_cancelled: true });
    expect(await compose(schedule)).toBeNull();
  });
});
