import type { SeriesRow } from '@potentia/db/calendar/rows';
import { AppError } from '../platform/errors.ts';
import { findOccurrence } from './rules/expand.ts';

/** The name that an occurrence has; null: none was asked for. Throws `schedule.occurrence_not_found`. */
export function nameOccurrence(series: SeriesRow, recurrence_id: string | undefined): string | null {
  if (recurrence_id === undefined) return null;
  const occurrence = findOccurrence(series, recurrence_id);
  if (occurrence) return occurrence.recurrence_id;
  throw new AppError('not_found', 'schedule.occurrence_not_found', 'The schedule has no such occurrence', {
    errors: [{ pointer: '/recurrence_id', message: 'Names no occurrence of the schedule' }],
  });
}
