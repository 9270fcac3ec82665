import { parseLocal } from './local-time.ts';
import { expandSeries, nextOccurrence } from './expand.ts';
import { effectiveResponse } from './responses.ts';
import {
  type PlannedGuest,
  type PlannedReminder,
  type PlannedSchedule,
  type PlanIds,
  PlanRefused,
} from './plan-types.ts';
import { printParts, printUntil, readParts } from './rule-parts.ts';
import {
  bareSeries,
  BEGINNING_OF_TIME,
  END_OF_TIME,
  firstStart,
  instantOf,
  liveSeries,
  ruleAlone,
} from './series-frame.ts';
import type { LocalTime, Occurrence, Series } from './series.ts';

export type CutGuest = PlannedGuest & { copy_of: string };

export interface SplitSeries {
  /** What is before. */
  head: PlannedSchedule;
  /** The occurrence named, and what is after it: a schedule of its own. */
  tail: PlannedSchedule & { guests: CutGuest[] };
}

/**
 * Cuts a series in two before one of its occurrences, so that both together have the occurrences that it had, and everything that
 * hangs on them. Null: there is nothing before it. Throws `schedule.rule_not_divisible` for the rare rule of which no later
 * start gives the same occurrences.
 */
export function splitSeries(current: PlannedSchedule, at: LocalTime, ids: PlanIds): SplitSeries | null {
  if (isFirst(current, at)) return null;
  const times = splitTimes(current, at);
  const isBefore = (name: LocalTime) => name < at;
  const guests = current.guests.map((guest) => ({
    ...carryResponse(current, guest, at),
    id: ids.new_id(),
    copy_of: guest.id,
  }));
  const guest_ids = new Map(guests.map(({ id, copy_of }) => [copy_of, id]));
  const reminders = current.reminders.map((reminder) => splitReminder(reminder, at, ids));
  const head: PlannedSchedule = {
    ...current,
    ...times.head,
    overrides: current.overrides.filter((row) => isBefore(row.recurrence_id)),
    responses: current.responses.filter((row) => isBefore(row.recurrence_id)),
    reminders: reminders.flatMap((parts) => parts.head ?? []),
  };
  const id = ids.new_id();
  const tail = {
    ...current,
    ...times.tail,
    id,
    uid: id,
    overrides: current.overrides.filter((row) => !isBefore(row.recurrence_id)),
    guests,
    responses: current.responses.flatMap((row) =>
      isBefore(row.recurrence_id) ? [] : [{ ...row, guest_id: guest_ids.get(row.guest_id) ?? row.guest_id }],
    ),
    reminders: reminders.flatMap((parts) => parts.tail ?? []),
  };
  checkDivided(current, head, tail, at);
  return { head, tail };
}

/** Whether no occurrence is left before it. */
export function isFirst(series: Series, at: LocalTime): boolean {
  const first = firstStart(liveSeries(series));
  return first === null || first >= instantOf(series, at);
}

type Times = Pick<Series, 'starts_local' | 'rrule' | 'rdates' | 'exdates'>;

function splitTimes(current: Series, at: LocalTime): { head: Times; tail: Times } {
  const [earlier, later] = [(name: LocalTime) => name < at, (name: LocalTime) => name >= at];
  const rule = splitRule(current, at);
  return {
    head: { ...withStart(rule.head, current.rdates.filter(earlier)), exdates: current.exdates.filter(earlier) },
    tail: { ...withStart(rule.tail, current.rdates.filter(later)), exdates: current.exdates.filter(later) },
  };
}

/** Where a rule begins (null rule: once, there); null: no time of the rule falls here. */
type Ruled = Pick<Series, 'starts_local' | 'rrule'> | null;

/** A part of which the rule gives nothing begins with the first of its dates, which its start then is. */
function withStart(ruled: Ruled, rdates: LocalTime[]): Omit<Times, 'exdates'> {
  if (ruled) return { ...ruled, rdates };
  const [first, ...rest] = rdates.toSorted();
  if (first === undefined) throw new Error('a part of a series has no time');
  return { starts_local: first, rrule: null, rdates: rest };
}

function splitRule(current: Series, at: LocalTime): { head: Ruled; tail: Ruled } {
  const { rrule, starts_local } = current;
  const split = instantOf(current, at);
  const whole = { starts_local, rrule };
  if (rrule === null) return starts_local < at ? { head: whole, tail: null } : { head: null, tail: whole };
  const alone = ruleAlone(current);
  const parts = readParts(rrule);
  const count = parts.get('COUNT');
  const before = timesBefore(alone, at, count !== undefined);
  const next = nextOccurrence(alone, split - 1);
  if (next === null) return { head: whole, tail: null };
  if (before.length === 0) return { head: null, tail: { starts_local: next.recurrence_id, rrule } };
  const [head, tail] = [new Map(parts), new Map(parts)];
  if (count === undefined) {
    head.delete('UNTIL');
    head.set('UNTIL', printUntil(lastBefore(alone, split), current));
  } else {
    head.set('COUNT', String(before.length));
    tail.set('COUNT', String(Number(count) - before.length));
  }
  return {
    head: { starts_local, rrule: printParts(head) },
    tail: { starts_local: next.recurrence_id, rrule: printParts(tail) },
  };
}

/** Its times before this one, or just the first; COUNT counts those of the wall clock that a gap makes one instant, too. */
const timesBefore = (alone: Series, at: LocalTime, is_counted: boolean): Occurrence[] =>
  is_counted
    ? expandSeries({ ...alone, time_zone: null }, { from: BEGINNING_OF_TIME, to: parseLocal(at) })
    : expandSeries(alone, { from: BEGINNING_OF_TIME, to: instantOf(alone, at) }, { limit: 1 });

/** Wall clock of the last time of a rule before an instant; there is one. Looks back further and further. */
function lastBefore(alone: Series, before: number): number {
  for (let span = 40 * 86_400_000; ; span *= 8) {
    const last = expandSeries(alone, { from: Math.max(BEGINNING_OF_TIME, before - span), to: before }).at(-1);
    if (last) return parseLocal(last.recurrence_id);
  }
}

/** The answer to the whole series that a guest had given to those from here on. */
function carryResponse(current: PlannedSchedule, guest: PlannedGuest, at: LocalTime): PlannedGuest {
  const begun = current.responses.filter(
    (row) => row.guest_id === guest.id && row.applies_to === 'following' && row.recurrence_id < at,
  );
  if (begun.length === 0) return guest;
  const last = begun.reduce((latest, row) => (row.recurrence_id > latest.recurrence_id ? row : latest));
  return { ...guest, response: effectiveResponse(guest, begun, at), responded_at: last.responded_at };
}

function splitReminder(
  reminder: PlannedReminder,
  at: LocalTime,
  ids: PlanIds,
): { head?: PlannedReminder; tail?: PlannedReminder } {
  const { recurrence_id, until_recurrence_id, skips } = reminder;
  if (recurrence_id !== null && recurrence_id >= at) return { tail: reminder };
  const ends_before = until_recurrence_id !== null && until_recurrence_id <= at;
  if (reminder.applies_to === 'this' || ends_before) return { head: reminder };
  const head = { ...reminder, until_recurrence_id: null, skips: skips.filter((name) => name < at) };
  const tail = {
    ...reminder,
    id: ids.new_id(),
    applies_to: 'all' as const,
    recurrence_id: null,
    skips: skips.filter((name) => name >= at),
  };
  return { head, tail };
}

const CHECKED = 50;

/** A start in the middle of a period can give other occurrences than the start of the whole series: then it cannot be cut there. */
function checkDivided(current: Series, head: Series, tail: Series, at: LocalTime): void {
  const split = instantOf(current, at);
  const after = { from: split, to: END_OF_TIME };
  const starts = (series: Series) =>
    expandSeries(bareSeries(series), after, { limit: CHECKED }).map(({ starts_at }) => starts_at);
  if (starts(head).length === 0 && JSON.stringify(starts(tail)) === JSON.stringify(starts(current))) return;
  throw new PlanRefused(
    'invalid',
    'schedule.rule_not_divisible',
    `The rule ${current.rrule} cannot be continued from ${at}: change the whole series, or this occurrence alone.`,
    '/recurrence_id',
  );
}
