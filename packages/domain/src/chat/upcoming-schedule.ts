import type { PromptItem } from '../agent/prompt.ts';
import { printLocal, toLocal } from '../calendar/rules/zones.ts';
import type { ViewItem } from '../calendar/view-schemas.ts';
import { viewSchedules } from '../calendar/view-schedules.ts';
import type { UserCtx } from '../platform/ctx.ts';

/** What is to come: so many days, so many occurrences. */
const DAYS = 7;
const MAX_ITEMS = 25;
const DAY_MS = 86_400_000;

/** What is in the person's calendars in the next days, soonest first, with what goes on now; cancelled occurrences are not. */
export async function upcomingSchedule(
  ctx: UserCtx,
  { now, time_zone }: { now: string; time_zone: string },
): Promise<PromptItem[]> {
  const to = new Date(Date.parse(now) + DAYS * DAY_MS).toISOString();
  const { json } = await viewSchedules(ctx, { from: now, to, time_zone, limit: MAX_ITEMS });
  const { items } = JSON.parse(json) as { items: ViewItem[] };
  return items
    .filter(({ status }) => status !== 'cancelled')
    .map((item) => scheduleItem(item, ctx.actor.user_id, time_zone));
}

function scheduleItem(item: ViewItem, user_id: string, time_zone: string): PromptItem {
  const { title, location, is_recurring, status, my_response } = item;
  const notes = [
    location !== null && location !== '' ? `at ${location}` : '',
    is_recurring ? 'repeats' : '',
    status === 'tentative' ? 'tentative' : '',
    my_response === 'needs_action' ? 'not answered yet' : (my_response ?? ''),
  ].filter(Boolean);
  return {
    kind: 'schedule',
    id: item.schedule_id,
    text: `${whenOf(item, time_zone)} ${title ?? 'Busy'}${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`,
    origin: item.organiser_user_id === user_id ? 'user' : 'other',
    at: item.starts_at,
    place_id: item.calendar_id,
    leg: 'always',
    score: null,
  };
}

/** On the clock of the person: `2026-11-23 09:00–10:30`, or the days of what takes whole days. */
function whenOf({ starts_at, ends_at, is_all_day }: ViewItem, time_zone: string): string {
  const from = printLocal(toLocal(Date.parse(starts_at), time_zone), false);
  const to = printLocal(toLocal(Date.parse(ends_at) - (is_all_day ? 1 : 0), time_zone), false);
  const [from_day, to_day] = [from.slice(0, 10), to.slice(0, 10)];
  if (is_all_day) return from_day === to_day ? from_day : `${from_day} to ${to_day}`;
  const [from_time, to_time] = [from.slice(11, 16), to.slice(11, 16)];
  // A reminder has no length.
  if (from === to) return `${from_day} ${from_time}`;
  return from_day === to_day
    ? `${from_day} ${from_time}–${to_time}`
    : `${from_day} ${from_time} to ${to_day} ${to_time}`;
}
