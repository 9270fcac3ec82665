import type { z } from 'zod';
import { viewSchedules } from '../../calendar/view-schedules.ts';
import type { viewPage, ViewItem } from '../../calendar/view-schemas.ts';
import { quote, say, sayTime } from '../rules/tool-summary.ts';
import { instantOf, localOf, windowOf } from './local-times.ts';
import type { CallCtx, Planner } from './tool.ts';

const DAY_MS = 86_400_000;
/** How far ahead is looked without an end: for words farther than for all. */
const DAYS = { words: 366, all: 31 };

/** What stands in the person's calendars, and what they are a guest of. */
export const findSchedules: Planner<'find_schedules'> = (ctx, args) => {
  const { time_zone, now, locale } = ctx.call;
  const from = args.from === undefined ? now : instantOf(args.from, time_zone);
  const days = args.query === undefined ? DAYS.all : DAYS.words;
  const to = args.to === undefined ? from + days * DAY_MS : instantOf(args.to, time_zone);
  const window = windowOf(from, to);
  const [shown_from, shown_to] = [localOf(from, time_zone), localOf(to, time_zone)].map((local) =>
    sayTime(local.slice(0, 10), null, locale),
  );
  const what = args.query === undefined ? '' : ` ${quote(args.query)}`;
  return {
    summary: say(
      locale,
      `Look for${what} in the calendar, ${shown_from} to ${shown_to}`,
      `Mencari${what} di kalender, ${shown_from} sampai ${shown_to}`,
    ),
    write: null,
    run: () => read(ctx, { ...window, q: args.query, time_zone, limit: args.limit }),
  };
};

type Query = Parameters<typeof viewSchedules>[1];

async function read(ctx: CallCtx, query: Query) {
  const page = JSON.parse((await viewSchedules(ctx, query)).json) as z.infer<typeof viewPage>;
  const items = page.items.filter(({ schedule_id }) => schedule_id !== null);
  return {
    result: {
      time_zone: ctx.call.time_zone,
      schedules: items.map((item) => present(item, ctx.call.time_zone)),
      has_more: page.next_cursor !== null,
    },
  };
}

function present(item: ViewItem, time_zone: string): object {
  const { schedule_id, recurrence_id, title, location, is_all_day, is_recurring, status, my_response, can_edit } = item;
  const [starts, ends] = [localOf(item.starts_at, time_zone), localOf(item.ends_at, time_zone)];
  return {
    schedule_id,
    ...(is_recurring && { recurrence_id, is_recurring }),
    title,
    starts_local: is_all_day ? starts.slice(0, 10) : starts,
    ends_local: is_all_day ? ends.slice(0, 10) : ends,
    ...(location !== null && { location }),
    ...(status !== 'confirmed' && { status }),
    ...(my_response !== null && { my_response }),
    can_edit,
  };
}
