import { BudgetExceeded, seriesBounds } from './expand.ts';
import type { IcsFile, IcsProblem, IcsSchedule, ImportedFile, ImportedSchedule } from './ics-types.ts';

/** Finds where each schedule of a file begins and ends; one whose occurrences cannot be found becomes a problem. */
export function boundSchedules({ name, schedules, problems }: IcsFile): ImportedFile {
  const unbounded: IcsProblem[] = [];
  const bounded = schedules.flatMap((schedule): ImportedSchedule[] => {
    const bounds = boundsOf(schedule);
    if (bounds) return [{ ...schedule, ...bounds }];
    const message = 'Its occurrences cannot be worked out, or it has none';
    unbounded.push({ uid: schedule.uid, line: 1, code: 'ics.no_occurrence', message, skipped: true });
    return [];
  });
  return { name, schedules: bounded, problems: [...problems, ...unbounded] };
}

function boundsOf(schedule: IcsSchedule): { first_at: string; last_at: string | null } | null {
  try {
    const { first_at, last_at } = seriesBounds(schedule);
    return {
      first_at: new Date(first_at).toISOString(),
      last_at: last_at === null ? null : new Date(last_at).toISOString(),
    };
  } catch (error) {
    if (error instanceof BudgetExceeded || error instanceof RangeError) return null;
    throw error;
  }
}
