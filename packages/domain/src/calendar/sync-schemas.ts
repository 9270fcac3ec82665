import { z } from 'zod';
import { id, timestamp } from '../platform/schemas.ts';
import { calendar_roles } from './rules/roles.ts';
import { MAX_SYNC_TOKEN } from './rules/sync-token.ts';
import { shownTime } from './time-schemas.ts';
import { MAX_WINDOW_DAYS } from './view-schemas.ts';

const response = z.enum(['needs_action', 'accepted', 'declined', 'tentative']);
const status = z.enum(['confirmed', 'tentative', 'cancelled']);
const transparency = z.enum(['opaque', 'transparent']);

// Outputs

const occurrence = z
  .strictObject({
    recurrence_id: shownTime,
    starts_at: timestamp
      .nullable()
      .describe('Null: all day, or floating. Then the local times say it, wherever one is'),
    ends_at: timestamp.nullable(),
    starts_local: shownTime.describe("In the schedule's zone"),
    ends_local: shownTime.describe('Exclusive'),
    my_response: response.nullable(),
    override: z
      .strictObject({
        title: z.string().nullable(),
        description: z.string().nullable(),
        location: z.string().nullable(),
        url: z.string().nullable(),
        status: status.nullable(),
        transparency: transparency.nullable(),
      })
      .nullable()
      .describe('What differs from the schedule; null in it: as the schedule has it'),
  })
  .meta({ id: 'SyncOccurrence' });

const syncSchedule = z
  .strictObject({
    schedule_id: id,
    calendar_id: id,
    title: z.string(),
    description: z.string().nullable(),
    location: z.string().nullable(),
    url: z.string().nullable(),
    color: z.string().nullable().describe('Of the schedule itself'),
    status,
    transparency,
    visibility: z.enum(['default', 'private']),
    organiser_user_id: id,
    is_all_day: z.boolean(),
    time_zone: z.string().nullable().describe('IANA; null: all day, or floating'),
    is_recurring: z.boolean(),
    can_edit: z.boolean(),
    version: z.int().min(1),
    occurrences: z.array(occurrence),
  })
  .meta({ id: 'SyncSchedule' });
export type SyncSchedule = z.infer<typeof syncSchedule>;
export type SyncOccurrence = z.infer<typeof occurrence>;

const syncCalendar = z
  .strictObject({
    calendar_id: id,
    role: z.enum(calendar_roles),
    name: z.string(),
    color: z.string().nullable().describe("Your subscription's, else the calendar's"),
    time_zone: z.string(),
    is_hidden: z.boolean(),
  })
  .meta({ id: 'SyncCalendar' });

const syncBusy = z
  .strictObject({ calendar_id: id, blocks: z.array(z.strictObject({ starts_at: timestamp, ends_at: timestamp })) })
  .meta({ id: 'SyncBusy' });
export type SyncBusy = z.infer<typeof syncBusy>;

export const syncPage = z
  .strictObject({
    window: z.strictObject({ from: timestamp, to: timestamp }).describe('Drop what ended before it'),
    calendars: z
      .array(syncCalendar)
      .nullable()
      .describe('All that you subscribe to, as they are now; null after the first page'),
    calendars_removed: z.array(id).describe('Drop everything of these first; what you may still see of them follows'),
    removed: z.array(id).describe('Schedules to drop, before the others of this page are taken'),
    changed: z.array(syncSchedule).describe('Each takes the place of what you have of it'),
    entered: z.array(syncSchedule).describe('Not changed: their occurrences come to those that you have'),
    busy: z
      .array(syncBusy)
      .describe('Blocks of somebody of whom you see no more: they take the place of those of the calendar'),
    next_cursor: z.string().nullable().describe('Null: this is the last page'),
    sync_token: z.string().nullable().describe('On the last page: what to come again with'),
  })
  .meta({ id: 'SyncPage' });
export type SyncPage = z.infer<typeof syncPage>;

// Inputs

export const syncQuery = z
  .strictObject({
    from_days: z.coerce
      .number()
      .int()
      .min(0)
      .max(MAX_WINDOW_DAYS)
      .optional()
      .describe('Days before today, by default 30'),
    to_days: z.coerce
      .number()
      .int()
      .min(1)
      .max(MAX_WINDOW_DAYS)
      .optional()
      .describe('Days from today on, by default 365'),
    sync_token: z
      .string()
      .min(1)
      .max(MAX_SYNC_TOKEN)
      .optional()
      .describe('What came with the last page: what changed since'),
    cursor: z
      .string()
      .min(1)
      .max(MAX_SYNC_TOKEN + 2_000)
      .optional(),
    limit: z.coerce.number().int().min(1).max(500).default(200).describe('Schedules of a page'),
  })
  .superRefine((query, ctx) => {
    const goes_on = query.cursor ?? query.sync_token;
    for (const name of ['from_days', 'to_days'] as const)
      if (goes_on !== undefined && query[name] !== undefined)
        ctx.addIssue({ code: 'custom', path: [name], message: 'The token holds it' });
    if (query.cursor !== undefined && query.sync_token !== undefined)
      ctx.addIssue({ code: 'custom', path: ['sync_token'], message: 'The cursor holds it' });
  });
