import { expandSeries, findOccurrence } from './expand.ts';
import type {
  Bounded,
  ComparedOccurrence,
  Comparison,
  MovedOccurrence,
  Plan,
  PlannedSchedule,
  ScheduleWrite,
} from './plan-types.ts';
import { DAY_MS, rekeyer } from './series-frame.ts';
import type { LocalTime, Occurrence, Series, Window } from './series.ts';

/** Items of one list of the answer. */
const MAX_ITEMS = 500;
/** Occurrences of one schedule that are compared. */
const MAX_COMPARED = 10_000;

/** A schedule as it is, or as it is to be. */
interface Side {
  schedule_id: string;
  series: Series;
}

/**
 * What a plan does to the occurrences of a window, and to what hangs on any. An occurrence that is longer or shorter is moved, and
 * so is one that goes into the window or out of it.
 */
export function comparePlan(current: PlannedSchedule, plan: Plan, window: Window): Comparison {
  const before: Side = { schedule_id: current.id, series: current };
  const after = plan.schedules.length === 0 ? [before] : plan.schedules.flatMap(sideOf);
  const wide = widen(window, plan);
  const old = expandSide(before, wide);
  const fresh = new Map(after.flatMap((side) => [...expandSide(side, wide)]));
  const moved: MovedOccurrence[] = [];
  const removed: ComparedOccurrence[] = [];
  const seen = new Set<string>();
  for (const [, from] of old) {
    const target = targetOf(current, plan, after, from.recurrence_id);
    const to = target && (fresh.get(keyOf(target)) ?? findElsewhere(current, after, target, from.recurrence_id));
    if (to) seen.add(keyOf(to));
    if (!to) removed.push(from);
    else if (isMoved(from, to)) moved.push({ recurrence_id: from.recurrence_id, from, to });
  }
  const added: ComparedOccurrence[] = [];
  for (const [key, to] of fresh) {
    if (seen.has(key)) continue;
    const from = findOrigin(current, plan, after, to);
    if (!from) added.push(to);
    else if (isMoved(from, to)) moved.push({ recurrence_id: from.recurrence_id, from, to });
  }
  const overlaps = overlapping(window);
  return {
    added: bound(added.filter(overlaps)),
    removed: bound(removed.filter(overlaps)),
    moved: bound(moved.filter(({ from, to }) => overlaps(from) || overlaps(to))),
    lost: {
      overrides: bound(plan.lost.overrides),
      responses: bound(plan.lost.responses),
      reminders: bound(plan.lost.reminders),
    },
  };
}

const sideOf = (write: ScheduleWrite): Side[] =>
  write.op === 'delete' ? [] : [{ schedule_id: write.id, series: { ...write.fields, overrides: write.overrides } }];

/** So wide that what moves by the plan's shift is in it before and after, and that zones do not matter. */
function widen({ from, to }: Window, { shift }: Plan): Window {
  const margin = Math.abs(shift?.delta_ms ?? 0) + 2 * DAY_MS;
  return { from: from - margin, to: to + margin };
}

type Name = Pick<ComparedOccurrence, 'schedule_id' | 'recurrence_id'>;
const keyOf = ({ schedule_id, recurrence_id }: Name): string => `${schedule_id} ${recurrence_id}`;

const compared = (schedule_id: string, { recurrence_id, starts_at, ends_at }: Occurrence): ComparedOccurrence => ({
  schedule_id,
  recurrence_id,
  starts_at,
  ends_at,
});

function expandSide({ schedule_id, series }: Side, window: Window): Map<string, ComparedOccurrence> {
  const found = expandSeries(series, window, { limit: MAX_COMPARED });
  return new Map(found.map((one) => compared(schedule_id, one)).map((one) => [keyOf(one), one]));
}

/** What an occurrence is called under the plan, if it is still there. */
function targetOf(current: PlannedSchedule, { shift }: Plan, after: Side[], name: LocalTime): Name | null {
  const is_shifted = shift !== null && (shift.from === null || name >= shift.from);
  const schedule_id = is_shifted ? shift.schedule_id : current.id;
  const side = after.find((one) => one.schedule_id === schedule_id);
  if (!side) return null;
  const delta_ms = is_shifted ? shift.delta_ms : 0;
  return { schedule_id, recurrence_id: rekeyer(side.series.is_all_day, delta_ms).name(name) };
}

const differs = (series: Series | undefined, name: LocalTime): boolean =>
  series !== undefined && series.overrides.some((row) => row.recurrence_id === name);

/** Where an occurrence goes, when that is far from where its rule has it, or it was. */
function findElsewhere(current: PlannedSchedule, after: Side[], to: Name, name: LocalTime): ComparedOccurrence | null {
  const side = after.find((one) => one.schedule_id === to.schedule_id);
  if (!side || !(differs(current, name) || differs(side.series, to.recurrence_id))) return null;
  const found = findOccurrence(side.series, to.recurrence_id);
  return found && compared(to.schedule_id, found);
}

/** Where an occurrence was, when that was far from where its rule has it, or it is. */
function findOrigin(current: PlannedSchedule, { shift }: Plan, after: Side[], to: Name): ComparedOccurrence | null {
  const side = after.find((one) => one.schedule_id === to.schedule_id);
  const delta_ms = shift?.schedule_id === to.schedule_id ? shift.delta_ms : 0;
  const name = rekeyer(current.is_all_day, -delta_ms).name(to.recurrence_id);
  if (!differs(current, name) && !differs(side?.series, to.recurrence_id)) return null;
  const found = findOccurrence(current, name);
  return found && compared(current.id, found);
}

const isMoved = (from: ComparedOccurrence, to: ComparedOccurrence): boolean =>
  from.starts_at !== to.starts_at || from.ends_at !== to.ends_at;

const overlapping =
  (window: Window) =>
  ({ starts_at, ends_at }: ComparedOccurrence): boolean =>
    starts_at < window.to && (ends_at > window.from || (starts_at === ends_at && starts_at >= window.from));

const bound = <Item>(items: Item[]): Bounded<Item> => ({
  count: items.length,
  items: items.slice(0, MAX_ITEMS),
  truncated: items.length > MAX_ITEMS,
});
