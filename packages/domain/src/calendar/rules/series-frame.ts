import { PlanRefused } from './plan-types.ts';
import { parseLocal, printLocal } from './local-time.ts';
import { expandSeries, findOccurrence } from './expand.ts';
import type { LocalTime, Series } from './series.ts';
import { toInstant } from './zones.ts';

export const DAY_MS = 86_400_000;
/** Nothing begins before it. */
export const BEGINNING_OF_TIME = Date.UTC(1890, 0, 1);
/** And nothing is looked for after it. */
export const END_OF_TIME = Date.UTC(2150, 0, 1);

/** The rule, without what differs: its occurrences are the times that can be named, each as long as an instant. */
export const bareSeries = (series: Series): Series => ({ ...series, overrides: [], duration_seconds: 0 });

/** The rule alone, as COUNT counts it. */
export const ruleAlone = (series: Series): Series => ({ ...bareSeries(series), rdates: [], exdates: [] });

/** What is left of its times, cancelled ones not. */
export const liveSeries = (series: Series): Series => ({
  ...bareSeries(series),
  exdates: [...series.exdates, ...series.overrides.flatMap((row) => (row.is_cancelled ? [row.recurrence_id] : []))],
});

/** Epoch ms; of floating and all-day series the wall clock, read as UTC. */
export const instantOf = ({ time_zone, is_all_day }: Series, local: LocalTime): number =>
  time_zone === null || is_all_day ? parseLocal(local) : toInstant(parseLocal(local), time_zone);

/** Whether it is more than one occurrence by its nature. */
export const isRecurring = ({ rrule, rdates }: Series): boolean => rrule !== null || rdates.length > 0;

/** When the first time of a bare series is; null: it has none. */
export function firstStart(bare: Series): number | null {
  const window = { from: BEGINNING_OF_TIME, to: END_OF_TIME };
  const [first] = expandSeries({ ...bare, rdates: [] }, window, { limit: 1 });
  const excluded = new Set(bare.exdates.map((name) => instantOf(bare, name)));
  const dates = bare.rdates.map((name) => instantOf(bare, name)).filter((at) => !excluded.has(at));
  const starts = first ? [first.starts_at, ...dates] : dates;
  return starts.length === 0 ? null : Math.min(...starts);
}

const [FIRST_TIME, LAST_TIME] = ['1900-01-01', '2100-12-31T23:59:59'];

/** Every local time of a schedule lies in the years 1900 to 2100: an edit that moves one out of them is refused. */
export function checkYears({ starts_local, rdates, exdates, overrides }: Series): void {
  const moved = overrides.flatMap((row) => [row.recurrence_id, row.starts_local ?? row.recurrence_id]);
  for (const name of [starts_local, ...rdates, ...exdates, ...moved]) {
    if (name >= FIRST_TIME && name <= LAST_TIME) continue;
    throw new PlanRefused('invalid', 'schedule.out_of_range', 'Times lie in the years 1900 to 2100.', '/starts_local');
  }
}

const FEW = 16;

/** Which of these times name an occurrence, cancelled ones too. */
export function findNamed(series: Series, names: Iterable<LocalTime>): Set<LocalTime> {
  const bare = bareSeries(series);
  const wanted = new Map(Array.from(new Set(names), (name) => [name, instantOf(series, name)] as const));
  if (wanted.size <= FEW) {
    return new Set(Array.from(wanted.keys()).filter((name) => findOccurrence(bare, name) !== null));
  }
  const instants = [...wanted.values()];
  const found = new Set(
    expandSeries(bare, { from: Math.min(...instants), to: Math.max(...instants) + 1 }).map(
      ({ starts_at }) => starts_at,
    ),
  );
  return new Set(Array.from(wanted).flatMap(([name, at]) => (found.has(at) ? [name] : [])));
}

export interface Rekey {
  /** Of a wall clock in epoch ms, read as UTC. */
  ms: (local_ms: number) => number;
  name: (name: LocalTime) => LocalTime;
}

/** How names of occurrences change when a series moves: by whole days when it becomes one of dates. */
export function rekeyer(to_all_day: boolean, delta_ms: number): Rekey {
  const ms = (local_ms: number) => (to_all_day ? Math.floor(local_ms / DAY_MS) * DAY_MS : local_ms) + delta_ms;
  return { ms, name: (name) => printLocal(ms(parseLocal(name)), to_all_day) };
}
