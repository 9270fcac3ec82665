import type { BookingRow } from '@potentia/db/calendar/schedule-queries';
import { AppError } from '../platform/errors.ts';
import { type BookedSchedule, MAX_BOOKINGS, planBookings } from './rules/bookings.ts';

/**
 * What a schedule takes of its calendar; null when that is not exclusive. Throws `schedule.booking_unbounded` for what has no end, or
 * more than 2,000 occurrences.
 */
export function bookingsOf(
  schedule: BookedSchedule,
  calendar: { is_exclusive: boolean; time_zone: string },
): BookingRow[] | null {
  if (!calendar.is_exclusive) return null;
  const bookings = planBookings(schedule, calendar.time_zone);
  if (typeof bookings !== 'string') {
    return bookings.map(({ recurrence_id, starts_at, ends_at }) => ({
      recurrence_id,
      starts_at: new Date(starts_at).toISOString(),
      ends_at: new Date(ends_at).toISOString(),
    }));
  }
  const message =
    bookings === 'endless'
      ? 'This calendar is booked, so a series in it must end: give COUNT or UNTIL'
      : `This calendar is booked, so a series in it has at most ${MAX_BOOKINGS} occurrences`;
  throw new AppError('invalid', 'schedule.booking_unbounded', message, { errors: [{ pointer: '/rrule', message }] });
}
