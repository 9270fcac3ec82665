import { z } from 'zod';
import { id, timestamp } from '../platform/schemas.ts';
import { recurrenceId } from './time-schemas.ts';

/** One reason why somebody is busy when a schedule would take place. Part of the answer of a create or update of one. */
export const conflict = z
  .strictObject({
    user_id: id,
    starts_at: timestamp.describe('Of what is in the way'),
    ends_at: timestamp,
    status: z.enum(['busy', 'tentative']),
    occurrence: z
      .strictObject({ schedule_id: id, recurrence_id: recurrenceId, title: z.string() })
      .nullable()
      .describe('What is in the way; null: you may not read it'),
  })
  .meta({ id: 'Conflict' });
export type Conflict = z.infer<typeof conflict>;
