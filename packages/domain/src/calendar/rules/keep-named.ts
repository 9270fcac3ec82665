import type { Lost, PlannedSchedule } from './plan-types.ts';
import { bareSeries, findNamed, instantOf, type Rekey } from './series-frame.ts';
import type { LocalTime, Series } from './series.ts';
import { nextOccurrence } from './expand.ts';

/** What hangs on the occurrences of a schedule. */
export type Hanging = Pick<PlannedSchedule, 'overrides' | 'responses' | 'reminders'>;

export const noneLost = (): Lost => ({ overrides: [], responses: [], reminders: [] });

/**
 * What hangs on a series that changed, under the names that its occurrences have now; what names none of them is lost, as it was.
 * Rows about an occurrence and those after it stay as long as there are any after it.
 */
export function keepNamed(
  series: Series,
  hanging: Hanging,
  rekey: Rekey,
  all_day_changes: boolean,
): Hanging & { lost: Lost } {
  const named = findNamed(
    series,
    names(hanging).map((name) => rekey.name(name)),
  );
  const isNamed = (name: LocalTime | null) => name === null || named.has(rekey.name(name));
  const goesOn = onceEach((name) => nextOccurrence(bareSeries(series), instantOf(series, name) - 1) !== null);
  const lost = noneLost();
  const taken = new Set<string>();
  const keep = <Row>(rows: Row[], into: Row[], stays: (row: Row) => boolean, key: (row: Row) => string): Row[] =>
    rows.filter((row) => {
      const kept = stays(row) && !taken.has(key(row));
      if (kept) taken.add(key(row));
      else into.push(row);
      return kept;
    });
  const overrides = keep(
    hanging.overrides,
    lost.overrides,
    (row) => isNamed(row.recurrence_id),
    (row) => `override ${rekey.name(row.recurrence_id)}`,
  );
  const responses = keep(
    hanging.responses,
    lost.responses,
    (row) => (row.applies_to === 'this' ? isNamed(row.recurrence_id) : goesOn(rekey.name(row.recurrence_id))),
    (row) => `${row.guest_id} ${row.applies_to} ${rekey.name(row.recurrence_id)}`,
  );
  const reminders = keep(
    hanging.reminders,
    lost.reminders,
    ({ applies_to, recurrence_id }) =>
      recurrence_id === null || (applies_to === 'this' ? isNamed(recurrence_id) : goesOn(rekey.name(recurrence_id))),
    (row) => row.id,
  );
  return {
    overrides: overrides.map((row) => ({
      ...row,
      recurrence_id: rekey.name(row.recurrence_id),
      starts_local: row.starts_local === null ? null : rekey.name(row.starts_local),
      duration_seconds: all_day_changes ? null : row.duration_seconds,
    })),
    responses: responses.map((row) => ({ ...row, recurrence_id: rekey.name(row.recurrence_id) })),
    reminders: reminders.map((row) => ({
      ...row,
      recurrence_id: row.recurrence_id === null ? null : rekey.name(row.recurrence_id),
      until_recurrence_id: row.until_recurrence_id === null ? null : rekey.name(row.until_recurrence_id),
      skips: row.skips.filter(isNamed).map((name) => rekey.name(name)),
    })),
    lost,
  };
}

const names = ({ overrides, responses, reminders }: Hanging): LocalTime[] => [
  ...overrides.map(({ recurrence_id }) => recurrence_id),
  ...responses.map(({ recurrence_id }) => recurrence_id),
  ...reminders.flatMap(({ recurrence_id, skips }) => (recurrence_id === null ? skips : [recurrence_id, ...skips])),
];

function onceEach(ask: (name: LocalTime) => boolean): (name: LocalTime) => boolean {
  const known = new Map<LocalTime, boolean>();
  return (name) => {
    const answer = known.get(name) ?? ask(name);
    known.set(name, answer);
    return answer;
  };
}
