import { findSlots as findSlotsVerb } from '../../calendar/find-slots.ts';
import { say, sayTime } from '../rules/tool-summary.ts';
import { findPeople } from './find-people.ts';
import { instantOf, localOf, windowOf } from './local-times.ts';
import type { Planner } from './tool.ts';

const WORKDAYS = [1, 2, 3, 4, 5];

/** The next times at which the person and everybody else who is named are free. */
export const findSlots: Planner<'find_slots'> = async (ctx, args) => {
  const { time_zone, locale, now } = ctx.call;
  const to = instantOf(args.to, time_zone);
  const window = windowOf(Math.min(Math.max(instantOf(args.from, time_zone), now), to - 1), to);
  const people = await findPeople(ctx, ['me', ...(args.people ?? [])]);
  const [from, until] = [args.from, args.to].map((local) => sayTime(local, null, locale));
  return {
    summary: say(locale, `Look for free time, ${from} to ${until}`, `Mencari waktu kosong, ${from} sampai ${until}`),
    write: null,
    run: async () => {
      const { slots, not_found } = await findSlotsVerb(ctx, {
        user_ids: people.map(({ user_id }) => user_id),
        ...window,
        duration_minutes: args.duration_minutes,
        time_zone,
        working_hours: {
          days: args.includes_weekends ? [...WORKDAYS, 6, 7] : WORKDAYS,
          start: args.day_starts,
          end: args.day_ends,
        },
        // Where they are in this turn, which may be elsewhere than at home.
        people: [{ user_id: ctx.actor.user_id, time_zone }],
        limit: args.limit,
      });
      return {
        result: {
          time_zone,
          slots: slots.map(({ starts_at, ends_at }) => ({
            starts_local: localOf(starts_at, time_zone),
            ends_local: localOf(ends_at, time_zone),
          })),
          not_considered: people.filter(({ user_id }) => not_found.includes(user_id)).map(({ name }) => name),
        },
      };
    },
  };
};
