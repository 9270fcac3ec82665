import { z } from 'zod';
import { id, timestamp } from '../platform/schemas.ts';
import { needsRecurrenceId, recurrenceId, scope, scopeShape } from './time-schemas.ts';

/** Reminders that one person has of one schedule at most. */
export const MAX_REMINDERS = 20;
/** Occurrences that one reminder leaves out at most. */
export const MAX_SKIPS = 500;
/** Minutes: 28 days. */
const MAX_MINUTES = 40_320;
const MAX_DAYS = 28;

const version = z.int().min(1);
const channels = z
  .array(z.enum(['in_app', 'email']))
  .min(1)
  .refine((list) => new Set(list).size === list.length, 'Names a channel twice')
  .describe('`in_app`: `schedule.reminder` on `/ws/me`');
const minutes_before = z
  .int()
  .min(0)
  .max(MAX_MINUTES)
  .describe('Before the start; of an all-day occurrence before its midnight, in your time zone');
const local_time = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$/, 'Not a time of day such as 09:00')
  .overwrite((text) => (text.length === 5 ? `${text}:00` : text))
  .describe('At this time of day in your time zone, `days_before` days before the day of the start');
const days_before = z.int().min(0).max(MAX_DAYS).describe('0: on the day itself');

// Outputs

export const reminder = z
  .strictObject({
    id,
    schedule_id: id,
    applies_to: scope.describe('All occurrences, the one named, or it and those after it'),
    recurrence_id: recurrenceId.nullable(),
    until_recurrence_id: recurrenceId.nullable().describe('It ends before this occurrence; null: with the series'),
    skips: z.array(recurrenceId).describe('Occurrences that it leaves out'),
    minutes_before: minutes_before.nullable(),
    local_time: z.string().nullable(),
    days_before: days_before.nullable(),
    channels,
    version,
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'Reminder' });
export type Reminder = z.infer<typeof reminder>;

export const reminderList = z
  .strictObject({ items: z.array(reminder).describe('Yours alone, the oldest first; at most 20') })
  .meta({ id: 'ReminderList' });
export type ReminderList = z.infer<typeof reminderList>;

const previewed = reminder
  .omit({ version: true, created_at: true, updated_at: true })
  .extend({ id: id.nullable().describe('Null: it would be a new one') })
  .meta({ id: 'PreviewedReminder' });

export const reminderPreview = z
  .strictObject({
    added: z.array(previewed),
    changed: z.array(previewed).describe('As they would be'),
    removed: z.array(previewed).describe('As they are'),
  })
  .meta({ id: 'ReminderPreview', description: 'What a change with `dry_run=true` would make of your reminders' });
export type ReminderPreview = z.infer<typeof reminderPreview>;

// Inputs

const when = {
  minutes_before: minutes_before.optional(),
  local_time: local_time.optional(),
  days_before: days_before.optional(),
};
type When = { [Key in keyof typeof when]?: unknown };

const ONE_WAY = { path: ['minutes_before'], error: 'Give minutes_before, or local_time with days_before, not both' };
const isOneWay = (body: When): boolean =>
  body.minutes_before === undefined || (body.local_time === undefined && body.days_before === undefined);

export const createReminderBody = z
  .strictObject({ ...when, channels: channels.default(['in_app']) })
  .refine(isOneWay, ONE_WAY)
  .refine((body) => body.minutes_before !== undefined || body.local_time !== undefined, {
    path: ['minutes_before'],
    error: 'Say when: minutes_before, or local_time',
  })
  .meta({ id: 'CreateReminder' });

export const updateReminderBody = z
  .strictObject({
    version: version.optional().describe('The version that this edit was made on; another one answers 409'),
    ...when,
    channels: channels.optional(),
  })
  .refine(isOneWay, ONE_WAY)
  .refine((body) => Object.keys(body).some((field) => field !== 'version'), 'Give something to change')
  .meta({ id: 'UpdateReminder' });

export const remindersRef = z.strictObject({ schedule_id: id });
export const reminderRef = z.strictObject({ schedule_id: id, reminder_id: id });
export const createReminderInput = createReminderBody
  .safeExtend({ ...scopeShape, ...remindersRef.shape })
  .superRefine(needsRecurrenceId);
export const updateReminderInput = updateReminderBody
  .safeExtend({ ...scopeShape, ...reminderRef.shape })
  .superRefine(needsRecurrenceId);
export const deleteReminderInput = reminderRef.safeExtend(scopeShape).superRefine(needsRecurrenceId);
