import { z } from 'zod';
import { timestamp } from '../platform/schemas.ts';
import { MAX_DURATION, MAX_EXDATES, MAX_RDATES } from './schedule-schemas.ts';
import { localTime, shownTime, timeZone } from './time-schemas.ts';

/** Of the occurrences that an answer shows. */
export const MAX_NEXT = 10;

// Outputs

const occurrence = z.strictObject({
  recurrence_id: shownTime.describe('The start that the rule gives it'),
  starts_local: shownTime.describe('What the clocks show when it starts: of a time that they skip, the shifted one'),
  starts_at: timestamp.nullable().describe('Null for floating and all-day schedules, as `ends_at` and `offset` are'),
  ends_at: timestamp.nullable(),
  offset: z.string().nullable().describe('From UTC, such as `+01:00`'),
  is_in_gap: z.boolean().describe('The clocks skip this time, forward: it starts later by as much as they skip'),
  is_dst_shifted: z
    .boolean()
    .describe('It starts at another time of day in UTC than the occurrence before, because clocks have changed'),
});
export type CheckedOccurrence = z.infer<typeof occurrence>;

const accepted = z.strictObject({
  ok: z.literal(true),
  rrule: z.string().describe('Normalised: as a schedule would have it'),
  text: z.string().describe('In words (English)'),
  next: z.array(occurrence).max(MAX_NEXT).describe('The first that start at `from` or later'),
  remaining: z
    .int()
    .min(0)
    .nullable()
    .describe('How many start at `from` or later, when COUNT ends the rule; else null'),
  last: occurrence.nullable().describe('The last of all; null: it has no end'),
});

const refusedRule = z.strictObject({
  ok: z.literal(false),
  code: z.string().describe('Stable: `rule.too_frequent`, `rule.no_occurrence`, …'),
  reason: z.string().describe('For people (English)'),
  pointer: z.string().nullable().describe('To the field of the body that it is about'),
});

export const checkedRule = z.discriminatedUnion('ok', [accepted, refusedRule]).meta({ id: 'CheckedRule' });
export type CheckedRule = z.infer<typeof checkedRule>;

// Inputs

export const checkRuleBody = z
  .strictObject({
    rrule: z
      .string()
      .min(1)
      .max(2_000)
      .describe('RFC 5545, without DTSTART; upper case, order and `RRULE:` do not matter'),
    starts_local: localTime,
    time_zone: timeZone.nullable().default(null).describe('Null: floating, or all day'),
    is_all_day: z.boolean().optional().describe('Absent: as the form of `starts_local` says'),
    duration_seconds: z.int().min(0).max(MAX_DURATION).optional().describe('Absent: none, or all day one day'),
    rdates: z.array(localTime).max(MAX_RDATES).optional().describe('Further starts, beside those of the rule'),
    exdates: z.array(localTime).max(MAX_EXDATES).optional().describe('Starts that are left out'),
    from: z.iso
      .datetime({ offset: true })
      .optional()
      .describe('Absent: the beginning. Of floating and all-day schedules their own wall clock, with Z'),
  })
  .meta({ id: 'CheckRule' });
