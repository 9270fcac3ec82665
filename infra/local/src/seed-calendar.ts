import type { BusyCtx } from '@potentia/domain/calendar/busy-cache';
import { createCalendar } from '@potentia/domain/calendar/create-calendar';
import { createReminder } from '@potentia/domain/calendar/create-reminder';
import { createSchedule } from '@potentia/domain/calendar/create-schedule';
import { createSubscription } from '@potentia/domain/calendar/create-subscription';
import type { GuestCtx } from '@potentia/domain/calendar/guest-ctx';
import { listCalendars } from '@potentia/domain/calendar/list-calendars';
import { listSchedules } from '@potentia/domain/calendar/list-schedules';
import { printLocal, toLocal } from '@potentia/domain/calendar/rules/zones';
import { updateSchedule } from '@potentia/domain/calendar/update-schedule';

const NAME = 'Team';
const TIME_ZONE = 'Europe/Berlin';
const DAY_MS = 86_400_000;

/**
 * Makes a calendar in the demo workspace that the second user writes in too, where the owner has none there, and fills it while
 * that is empty: a weekly meeting from this week on that was moved once, with the second user as guest and a reminder, and an
 * all-day event.
 */
export async function seedCalendar(owner: GuestCtx, workspace_id: string, second: { user_id: string }): Promise<void> {
  const { items } = await listCalendars(owner, { workspace_id, limit: 200 });
  const known = items.find(({ name }) => name === NAME);
  if (items.length > 0 && !known) return;
  const calendar_id = known?.id ?? (await makeCalendar(owner, workspace_id, second));
  const { items: schedules } = await listSchedules(owner, { calendar_id, limit: 1 });
  if (schedules.length === 0) await fill({ ...owner, busy: NO_COPIES }, calendar_id, second);
}

async function makeCalendar(owner: GuestCtx, workspace_id: string, { user_id }: { user_id: string }): Promise<string> {
  const calendar = { workspace_id, name: NAME, color: '#1a73e8', time_zone: TIME_ZONE };
  const { id: calendar_id } = (await createCalendar(owner, calendar)).result;
  await createSubscription(owner, { calendar_id, user_id, role: 'editor' });
  return calendar_id;
}

async function fill(owner: BusyCtx & GuestCtx, calendar_id: string, second: { user_id: string }): Promise<void> {
  const today = toLocal(owner.clock().getTime(), TIME_ZONE);
  const monday = today - (today % DAY_MS) - ((new Date(today).getUTCDay() + 6) % 7) * DAY_MS;
  const on = (day: number): string => printLocal(monday + day * DAY_MS, true);
  await createSchedule(owner, { calendar_id, title: 'Team day', starts_local: on(10), is_all_day: true });
  const { id: schedule_id } = (
    await createSchedule(owner, {
      calendar_id,
      title: 'Weekly meeting',
      location: 'Room 1',
      starts_local: `${on(0)}T09:30:00`,
      duration_seconds: 2_700,
      rrule: 'FREQ=WEEKLY',
      guests: [{ user_id: second.user_id }],
    })
  ).result;
  const moved = { starts_local: `${on(8)}T14:00:00` };
  await updateSchedule(owner, { schedule_id, scope: 'this', recurrence_id: `${on(7)}T09:30:00`, ...moved });
  await createReminder(owner, { schedule_id, minutes_before: 10 });
}

/** Who is busy is read from Postgres: the seed knows no Redis. */
const NO_COPIES: BusyCtx['busy'] = { read: () => null, write: async () => undefined, count: () => undefined };
