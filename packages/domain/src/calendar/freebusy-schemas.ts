import { z } from 'zod';
import { id, timestamp } from '../platform/schemas.ts';
import { recurrenceId, shownTime, timeZone } from './time-schemas.ts';

export const MAX_PEOPLE = 50;
export const MAX_DAYS = 62;

const DAY_MS = 86_400_000;
const EARLIEST = Date.UTC(1900, 0, 1);
const LATEST = Date.UTC(2101, 0, 1);

// Outputs

const busy_status = z
  .enum(['busy', 'tentative'])
  .describe('`tentative`: not confirmed, or an invitation that is not answered, or with maybe');

const busyInterval = z.strictObject({ starts_at: timestamp, ends_at: timestamp, status: busy_status });

const personBusy = z
  .strictObject({
    user_id: id,
    found: z.boolean().describe('False: there is no such person, or you may not ask about them'),
    busy: z.array(busyInterval).describe('In order, none overlapping another; where both apply, busy'),
  })
  .meta({ id: 'PersonBusy' });

export const freebusy = z
  .strictObject({ people: z.array(personBusy).describe('In the order asked for') })
  .meta({ id: 'Freebusy' });
export type Freebusy = z.infer<typeof freebusy>;

const slot = z
  .strictObject({
    starts_at: timestamp,
    ends_at: timestamp,
    local: z
      .array(z.strictObject({ user_id: id, time_zone: z.string(), starts_local: shownTime }))
      .describe('The start by the clock of each person'),
  })
  .meta({ id: 'Slot' });

export const slots = z
  .strictObject({
    slots: z.array(slot).describe('The first ones, in order; they may overlap each other'),
    not_found: z.array(id).describe('Whom you may not ask about, or who do not exist: they were not considered'),
  })
  .meta({ id: 'Slots' });
export type Slots = z.infer<typeof slots>;

/** One reason why somebody is busy when a schedule would take place. Part of the answer of a create or update of one. */
export const conflict = z
  .strictObject({
    user_id: id,
    starts_at: timestamp.describe('Of what is in the way'),
    ends_at: timestamp,
    status: busy_status,
    occurrence: z
      .strictObject({ schedule_id: id, recurrence_id: recurrenceId, title: z.string() })
      .nullable()
      .describe('What is in the way; null: you may not read it'),
  })
  .meta({ id: 'Conflict' });
export type Conflict = z.infer<typeof conflict>;

// Inputs

const instant = z.iso.datetime({ offset: true });

const asked = {
  user_ids: z
    .array(id)
    .min(1)
    .max(MAX_PEOPLE)
    .refine((ids) => new Set(ids).size === ids.length, 'Names somebody twice')
    .describe('People in a workspace of yours, or whose calendar you subscribe to; yourself'),
  from: instant.describe('ISO 8601 with Z or an offset'),
  to: instant.describe(`Exclusive; at most ${MAX_DAYS} days after \`from\``),
};

function checkWindow({ from, to }: { from: string; to: string }, ctx: z.RefinementCtx): void {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  const refuse = (path: string, message: string): void => ctx.addIssue({ code: 'custom', path: [path], message });
  if (!(start >= EARLIEST && start < LATEST)) refuse('from', 'Not in the years 1900 to 2100');
  else if (!(end > start)) refuse('to', 'Not after from');
  else if (end - start > MAX_DAYS * DAY_MS) refuse('to', `More than ${MAX_DAYS} days after from`);
}

export const freebusyBody = z.strictObject(asked).superRefine(checkWindow).meta({ id: 'FreebusyQuery' });

const CLOCK = /^(([01]\d|2[0-3]):[0-5]\d|24:00)$/;
const clock = z.string().regex(CLOCK, 'Not a time of day such as 09:00').describe('`09:00`, up to `24:00`');

export const workingHours = z
  .strictObject({
    days: z
      .array(z.int().min(1).max(7))
      .min(1)
      .max(7)
      .refine((days) => new Set(days).size === days.length, 'Names a day twice')
      .default([1, 2, 3, 4, 5])
      .describe('1 is Monday, 7 is Sunday'),
    start: clock.default('09:00'),
    end: clock.default('17:00').describe('At or before `start`: on the next day'),
  })
  .meta({ id: 'WorkingHours' });

export const slotsBody = z
  .strictObject({
    ...asked,
    duration_minutes: z.int().min(1).max(1_440),
    time_zone: timeZone.optional().describe('Whose clock slots begin by; that of the first of `user_ids` if not given'),
    working_hours: workingHours
      .nullable()
      .prefault({})
      .describe('Of everybody, each in their own zone; null: at any time'),
    people: z
      .array(
        z.strictObject({
          user_id: id,
          time_zone: timeZone.optional().describe('Instead of their own'),
          working_hours: workingHours.nullable().optional(),
        }),
      )
      .max(MAX_PEOPLE)
      .default([])
      .describe('Those for whom something else holds'),
    step_minutes: z.int().min(1).max(1_440).default(15).describe('Slots begin at whole steps since midnight'),
    limit: z.int().min(1).max(50).default(10),
    include_tentative: z.boolean().default(true).describe('Whether tentative time is taken, like busy time'),
    buffer_minutes: z.int().min(0).max(480).default(0).describe('Free before and after each slot'),
  })
  .superRefine(checkWindow)
  .superRefine(({ user_ids, people }, ctx) => {
    const seen = new Set<string>();
    people.forEach(({ user_id }, i) => {
      const message = seen.has(user_id) ? 'Names somebody twice' : 'Is not among user_ids';
      if (seen.has(user_id) || !user_ids.includes(user_id))
        ctx.addIssue({ code: 'custom', path: ['people', i, 'user_id'], message });
      seen.add(user_id);
    });
  })
  .meta({ id: 'SlotsQuery' });
