import { comparePlan } from './rules/compare-plan.ts';
import type { Bounded, ComparedOccurrence, Plan, PlannedSchedule } from './rules/plan-types.ts';
import { printInstant } from './rules/print-times.ts';
import type { LocalTime, Series } from './rules/series.ts';
import { parseLocal, printLocal, toLocal } from './rules/zones.ts';
import { boundsOf } from './schedule-rule.ts';
import type { EditPreview, PreviewedOccurrence } from './schedule-schemas.ts';

const YEAR_MS = 366 * 86_400_000;

type Clock = Pick<Series, 'time_zone' | 'is_all_day'>;

/** What a plan would do, in words of the API: of the occurrences of a year before and three after what it is about. */
export function previewPlan(
  current: PlannedSchedule,
  plan: Plan,
  recurrence_id: LocalTime | null,
  now: Date,
): EditPreview {
  const middle = recurrence_id === null ? nearest(current, now.getTime()) : parseLocal(recurrence_id);
  const from = middle - YEAR_MS;
  const to = middle + 3 * YEAR_MS;
  const { added, removed, moved, lost } = comparePlan(current, plan, { from, to });
  const after = new Map<string, Clock>(
    plan.schedules.flatMap((write) => (write.op === 'delete' ? [] : [[write.id, write.fields]])),
  );
  const before = (one: ComparedOccurrence) => toPreview(one, current);
  const then = (one: ComparedOccurrence) => toPreview(one, after.get(one.schedule_id) ?? current);
  return {
    from: printInstant(from),
    to: printInstant(to),
    added: each(added, then),
    removed: each(removed, before),
    moved: each(moved, (one) => ({ recurrence_id: one.recurrence_id, from: before(one.from), to: then(one.to) })),
    lost: {
      overrides: each(lost.overrides, ({ ics_properties: _kept, ...override }) => override),
      responses: each(lost.responses, ({ guest_id, recurrence_id, applies_to, response }) => ({
        guest_id,
        recurrence_id,
        applies_to,
        response,
      })),
      reminders: each(lost.reminders, ({ id, applies_to, recurrence_id }) => ({ id, applies_to, recurrence_id })),
    },
  };
}

/** The instant of the life of a schedule that is nearest to now. */
function nearest(current: PlannedSchedule, now: number): number {
  const { first_at, last_at } = boundsOf(current);
  return Math.max(Date.parse(first_at), last_at === null ? now : Math.min(now, Date.parse(last_at)));
}

const each = <Item, Shown>({ items, ...rest }: Bounded<Item>, show: (item: Item) => Shown): Bounded<Shown> => ({
  ...rest,
  items: items.map(show),
});

function toPreview(
  { schedule_id, recurrence_id, starts_at, ends_at }: ComparedOccurrence,
  clock: Clock,
): PreviewedOccurrence {
  const { time_zone, is_all_day } = clock;
  const local = (at: number) => printLocal(time_zone === null ? at : toLocal(at, time_zone), is_all_day);
  const instant = (at: number) => (time_zone === null ? null : printInstant(at));
  return {
    schedule_id,
    recurrence_id,
    starts_local: local(starts_at),
    ends_local: local(ends_at),
    starts_at: instant(starts_at),
    ends_at: instant(ends_at),
  };
}
