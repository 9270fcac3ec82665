import { expandSeries } from './expand.ts';
import { mergeSpans, subtractSpans, type BusySpans } from './intervals.ts';
import { effectiveResponse, type GuestResponse, type OccurrenceResponse } from './responses.ts';
import type { Occurrence, Override, Series, Window } from './series.ts';
import { toInstant } from './zones.ts';

type Status = 'confirmed' | 'tentative' | 'cancelled';
type Transparency = 'opaque' | 'transparent';

/** What a schedule does to one person. */
export interface BusySchedule {
  series: Omit<Series, 'overrides'> & {
    overrides: (Override & { status: Status | null; transparency: Transparency | null })[];
  };
  status: Status;
  transparency: Transparency;
  /** Null: the person is no guest of it. */
  response: GuestResponse | null;
  responses: readonly OccurrenceResponse[];
}

export interface BusyOccurrence extends Occurrence {
  status: 'busy' | 'tentative';
}

/** What an occurrence does to a person; null: nothing. A guest is as busy as their answer, whatever calendar it stands in. */
export function busyStatus(
  status: Status,
  transparency: Transparency,
  response: GuestResponse | null,
): 'busy' | 'tentative' | null {
  if (status === 'cancelled' || transparency === 'transparent' || response === 'declined') return null;
  return status === 'tentative' || response === 'tentative' || response === 'needs_action' ? 'tentative' : 'busy';
}

/** The occurrences in the window that make the person busy. Throws `BudgetExceeded`. */
export function expandBusy(schedule: BusySchedule, window: Window): BusyOccurrence[] {
  const { series, response, responses } = schedule;
  const differing = new Map(series.overrides.map((override) => [override.recurrence_id, override]));
  return expandSeries(series, window).flatMap((occurrence) => {
    const override = differing.get(occurrence.recurrence_id);
    const answer = response && effectiveResponse({ response }, responses, occurrence.recurrence_id);
    const status = busyStatus(
      override?.status ?? schedule.status,
      override?.transparency ?? schedule.transparency,
      answer,
    );
    return status === null ? [] : [{ ...occurrence, status }];
  });
}

/** From the local times of a floating or all-day occurrence to instants. In a gap of the zone it keeps its length. */
export function placeLocal(starts_at: number, ends_at: number, zone: string): [number, number] {
  const from = toInstant(starts_at, zone);
  const to = toInstant(ends_at, zone);
  return [from, to > from || ends_at <= starts_at ? to : from + (ends_at - starts_at)];
}

/** Collects what makes one person busy, in any order. */
export class BusyCollector {
  readonly #pairs = { busy: [] as number[], tentative: [] as number[] };
  readonly #zone: string;

  constructor(zone: string) {
    this.#zone = zone;
  }

  add(status: 'busy' | 'tentative', is_local: boolean, starts_at: number, ends_at: number): void {
    const pairs = this.#pairs[status];
    if (is_local) pairs.push(...placeLocal(starts_at, ends_at, this.#zone));
    else pairs.push(starts_at, ends_at);
  }

  spans(): BusySpans {
    const busy = mergeSpans(this.#pairs.busy);
    return { busy, tentative: subtractSpans(mergeSpans(this.#pairs.tentative), busy) };
  }
}
