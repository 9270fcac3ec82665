import { DAY_MS } from './civil.ts';
import { BudgetExceeded, expandSeries, seriesBounds } from './expand.ts';
import type { IcsFile, IcsProblem, IcsSchedule, ImportedFile, ImportedSchedule } from './ics-types.ts';
import { parseLocal } from './local-time.ts';
import { WRITE_BUDGET } from './scan-output.ts';

/**
 * What can be said of the schedules of a file only when they are expanded: where each begins and ends, and which changed occurrences
 * their rules do not give. One that cannot be expanded becomes a problem.
 */
export function completeSchedules({ name, schedules, problems }: IcsFile): ImportedFile {
  const endless: IcsProblem[] = [];
  const complete = schedules.flatMap((schedule): ImportedSchedule[] => {
    try {
      const adopted = adoptOrphans(schedule);
      return [{ ...adopted, ...boundsOf(adopted) }];
    } catch (error) {
      if (!(error instanceof BudgetExceeded)) throw error;
      const message = 'It takes too long to work out its occurrences';
      endless.push({ uid: schedule.uid, line: 1, code: 'ics.too_complex', message, skipped: true });
      return [];
    }
  });
  return { name, schedules: complete, problems: [...problems, ...endless] };
}

function boundsOf(schedule: IcsSchedule): { first_at: string; last_at: string | null } {
  const { first_at, last_at } = seriesBounds(schedule, WRITE_BUDGET);
  return {
    first_at: new Date(first_at).toISOString(),
    last_at: last_at === null ? null : new Date(last_at).toISOString(),
  };
}

/**
 * Programs leave changed occurrences behind when a series changes, or exclude one and change it at the same time, and show it all the same.
 * Here an override is of an occurrence that there is: these become RDATEs.
 */
function adoptOrphans(schedule: IcsSchedule): IcsSchedule {
  const ids = schedule.overrides.flatMap((each) => (each.is_cancelled ? [] : [each.recurrence_id])).sort();
  const [first, last] = [ids[0], ids.at(-1)];
  if (first === undefined || last === undefined) return schedule;
  // A wall clock and its instant are never two days apart.
  const window = { from: parseLocal(first) - 2 * DAY_MS, to: parseLocal(last) + 2 * DAY_MS };
  const known = new Set(expandSeries({ ...schedule, overrides: [] }, window).map(({ recurrence_id }) => recurrence_id));
  const orphans = new Set(ids.filter((recurrence_id) => !known.has(recurrence_id)));
  if (orphans.size === 0) return schedule;
  return {
    ...schedule,
    rdates: [...new Set([...schedule.rdates, ...orphans])].sort(),
    exdates: schedule.exdates.filter((recurrence_id) => !orphans.has(recurrence_id)),
  };
}
