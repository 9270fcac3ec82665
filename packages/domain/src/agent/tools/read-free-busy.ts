import { readFreebusy } from '../../calendar/read-freebusy.ts';
import { say, sayTime } from '../rules/tool-summary.ts';
import { findPeople } from './find-people.ts';
import { instantOf, localOf, windowOf } from './local-times.ts';
import type { Planner } from './tool.ts';

/** Intervals of one person that one answer shows. */
const MAX_INTERVALS = 60;

/** When people are busy, on the person's clocks. */
export const readFreeBusy: Planner<'read_free_busy'> = async (ctx, args) => {
  const { time_zone, locale } = ctx.call;
  const window = windowOf(instantOf(args.from, time_zone), instantOf(args.to, time_zone));
  const people = await findPeople(ctx, args.people);
  const [from, to] = [args.from, args.to].map((local) => sayTime(local, null, locale));
  return {
    summary: say(locale, `Look up busy time, ${from} to ${to}`, `Melihat waktu sibuk, ${from} sampai ${to}`),
    write: null,
    run: async () => {
      const answer = await readFreebusy(ctx, { user_ids: people.map(({ user_id }) => user_id), ...window });
      return {
        result: {
          time_zone,
          people: answer.people.map(({ found, busy }, at) => ({
            name: people[at]?.name,
            found,
            busy: busy.slice(0, MAX_INTERVALS).map(({ starts_at, ends_at, status }) => ({
              starts_local: localOf(starts_at, time_zone),
              ends_local: localOf(ends_at, time_zone),
              ...(status !== 'busy' && { status }),
            })),
            has_more: busy.length > MAX_INTERVALS,
          })),
        },
      };
    },
  };
};
