import { expandSeries } from './expand.ts';
import type { LocalTime, Occurrence, Override, Series } from './series.ts';
import { parseLocal, toInstant } from './zones.ts';

/** Occurrences that one schedule of an exclusive calendar has at most: each is a row that nothing else may overlap. */
export const MAX_BOOKINGS = 2_000;

type Status = 'confirmed' | 'tentative' | 'cancelled';
type Transparency = 'opaque' | 'transparent';

/** What decides whether something is taken: of the schedule, or of one occurrence where it differs. */
export interface BookedSchedule extends Series {
  status: Status;
  transparency: Transparency;
  overrides: (Override & { status?: Status | null; transparency?: Transparency | null })[];
}

/** One row of schedule_bookings. Epoch milliseconds. */
export interface Booking {
  recurrence_id: LocalTime;
  starts_at: number;
  ends_at: number;
}

/** Why a schedule cannot be booked: `endless`, or more than `MAX_BOOKINGS` occurrences. */
export type BookingRefusal = 'endless' | 'too_many';

/**
 * What a schedule takes of an exclusive calendar: every occurrence that is opaque and not cancelled, tentative ones too, since
 * they hold the time; none of no length. All-day and floating ones are those of the calendar's own zone: a room stands
 * somewhere. A series without an end is refused: a time that is booked to no end could never be promised to be free.
 */
export function planBookings(schedule: BookedSchedule, calendar_zone: string): Booking[] | BookingRefusal {
  const occurrences = expandSeries(schedule, ALWAYS, { limit: MAX_BOOKINGS + 1 });
  if (occurrences.length > MAX_BOOKINGS) return isEndless(schedule) ? 'endless' : 'too_many';
  if (isEndless(schedule)) return 'endless';
  const differing = new Map(schedule.overrides.map((override) => [override.recurrence_id, override]));
  return occurrences.filter((one) => isTaken(schedule, differing.get(one.recurrence_id), one)).map(toBooking);

  function toBooking({ recurrence_id, starts_at, ends_at }: Occurrence): Booking {
    if (schedule.time_zone !== null) return { recurrence_id, starts_at, ends_at };
    return {
      recurrence_id,
      starts_at: toInstant(starts_at, calendar_zone),
      ends_at: toInstant(ends_at, calendar_zone),
    };
  }
}

const ALWAYS = { from: parseLocal('1899-01-01T00:00:00'), to: parseLocal('2103-01-01T00:00:00') };

/** A rule that ends says how: `rrule` is normalised. */
const isEndless = ({ rrule }: Series): boolean => rrule !== null && !/(^|;)(COUNT|UNTIL)=/.test(rrule);

function isTaken(
  schedule: BookedSchedule,
  override: BookedSchedule['overrides'][number] | undefined,
  { starts_at, ends_at }: Occurrence,
): boolean {
  const status = override?.status ?? schedule.status;
  const transparency = override?.transparency ?? schedule.transparency;
  return starts_at < ends_at && status !== 'cancelled' && transparency === 'opaque';
}
