import { z } from 'zod';
import { safeText } from '../canvas/rules/content.ts';
import { cursor, id, pageLimit, pageOf, timestamp } from '../platform/schemas.ts';
import { conflict } from './freebusy-schemas.ts';
import { newGuests } from './guest-schemas.ts';
import { schedule_roles } from './rules/roles.ts';
import {
  localTime,
  needsRecurrenceId,
  recurrenceId,
  scope,
  scopeQuery,
  scopeShape,
  shownTime,
  timeZone,
} from './time-schemas.ts';

/** Dates beside a rule that one schedule has at most. */
export const MAX_RDATES = 1_000;
/** Dates that a rule leaves out. */
export const MAX_EXDATES = 5_000;
/** Occurrences of one schedule that differ from it. */
export const MAX_OVERRIDES = 1_000;
/** Seconds of one occurrence. */
export const MAX_DURATION = 366 * 86_400;

/** Of the type of its column. */
const version = z.int().min(1).max(2_147_483_647);
const color = z.string().regex(/^#[0-9a-f]{6}$/, 'Not a colour such as #1f6feb');
const status = z.enum(['confirmed', 'tentative', 'cancelled']);
const transparency = z.enum(['opaque', 'transparent']).describe('`transparent` makes nobody busy');
const visibility = z
  .enum(['default', 'private'])
  .describe('`private`: its guests and the editors of the calendar alone read it');
const response = z.enum(['needs_action', 'accepted', 'declined', 'tentative']);
const duration_seconds = z.int().min(0).max(MAX_DURATION).describe('Exact seconds; of an all-day schedule whole days');

// Outputs

/** One occurrence that differs from its series; null: as the series has it. */
export const override = z
  .strictObject({
    recurrence_id: recurrenceId,
    is_cancelled: z.boolean(),
    starts_local: localTime.nullable(),
    duration_seconds: duration_seconds.nullable(),
    title: z.string().nullable(),
    description: z.string().nullable().describe('Null: as the series has it; empty: none'),
    location: z.string().nullable(),
    url: z.string().nullable(),
    status: status.nullable(),
    transparency: transparency.nullable(),
  })
  .meta({ id: 'ScheduleOverride' });

export const schedule = z
  .strictObject({
    id,
    workspace_id: id,
    calendar_id: id,
    uid: z.string().describe('What other calendars know it by (RFC 5545)'),
    organiser_user_id: id,
    title: z.string(),
    description: z.string().nullable(),
    location: z.string().nullable(),
    url: z.string().nullable(),
    color: color.nullable().describe('Null: that of the calendar'),
    status,
    transparency,
    visibility,
    is_all_day: z.boolean(),
    starts_local: localTime,
    time_zone: z
      .string()
      .nullable()
      .describe('IANA; null: all day, or floating, which is the same wall clock everywhere'),
    duration_seconds,
    rrule: z.string().nullable().describe('Normalised, without DTSTART; null: once, and at each of `rdates`'),
    rdates: z.array(localTime),
    exdates: z.array(localTime),
    first_at: timestamp.describe('Not after the start of its first occurrence'),
    last_at: timestamp.nullable().describe('Not before the end of its last; null: it has none'),
    sequence: z.int().min(0).describe('Counts the changes of its times'),
    role: z.enum(schedule_roles).describe('What you may do: read, answer, or change it'),
    guest_count: z.int().min(0),
    override_count: z.int().min(0),
    my_guest_id: id.nullable().describe('Null: you are no guest'),
    my_response: response.nullable().describe('Yours to the whole series'),
    version,
    created_by: id,
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'Schedule' });

export const scheduleDetail = schedule
  .extend({ overrides: z.array(override).describe('In the order of time') })
  .meta({ id: 'ScheduleDetail' });
export type ScheduleDetail = z.infer<typeof scheduleDetail>;

const conflicts = z
  .array(conflict)
  .nullable()
  .describe(
    'Where its organiser or guests are busy already; it was written all the same. Null: they could not be looked up',
  );

export const createdSchedule = scheduleDetail.extend({ conflicts }).meta({ id: 'CreatedSchedule' });
export type CreatedSchedule = z.infer<typeof createdSchedule>;

export const changedSchedule = createdSchedule
  .extend({
    cut_off: scheduleDetail
      .nullable()
      .describe('With `following` the new schedule, which the occurrence named and those after it now belong to'),
  })
  .meta({ id: 'ChangedSchedule' });
export type ChangedSchedule = z.infer<typeof changedSchedule>;

export const schedulePage = pageOf(schedule).meta({ id: 'SchedulePage' });
export type SchedulePage = z.infer<typeof schedulePage>;

const previewed = z
  .strictObject({
    schedule_id: id,
    recurrence_id: shownTime,
    starts_local: shownTime,
    ends_local: shownTime,
    starts_at: timestamp.nullable().describe('Null of all-day and floating ones'),
    ends_at: timestamp.nullable(),
  })
  .meta({ id: 'PreviewedOccurrence' });
export type PreviewedOccurrence = z.infer<typeof previewed>;

const someOf = <T extends z.ZodType>(item: T) =>
  z.strictObject({
    count: z.int().min(0),
    items: z.array(item),
    truncated: z.boolean().describe('There are more than these'),
  });

/** What an edit would do: `previewPlan` says of which years. */
export const editPreview = z
  .strictObject({
    from: timestamp.describe('Occurrences between `from` and `to` are compared'),
    to: timestamp,
    added: someOf(previewed),
    removed: someOf(previewed),
    moved: someOf(
      z.strictObject({ recurrence_id: shownTime.describe('As it was named'), from: previewed, to: previewed }),
    ),
    lost: z.strictObject({
      overrides: someOf(override),
      responses: someOf(
        z.strictObject({
          guest_id: id,
          recurrence_id: recurrenceId,
          applies_to: z.enum(['this', 'following']),
          response,
        }),
      ),
      reminders: someOf(z.strictObject({ id, applies_to: scope, recurrence_id: recurrenceId.nullable() })),
    }),
  })
  .meta({
    id: 'EditPreview',
    description: 'What a change with `dry_run=true` would do. `lost`: what names an occurrence that would be no more',
  });
export type EditPreview = z.infer<typeof editPreview>;

// Inputs

const SCRIPT = /^[\s\p{Cc}]*(javascript|vbscript|data):/iu;
const url = safeText(2_000)
  .refine((text) => URL.canParse(text), 'Not a URL, such as https://meet.example.com/abc')
  .refine((text) => !SCRIPT.test(text), 'This scheme is not allowed');
const title = safeText(500).min(1);

const content = {
  description: safeText(20_000).nullable(),
  location: safeText(500).nullable(),
  url: url.nullable(),
  color: color.nullable(),
  status,
  transparency,
  visibility,
};

const rrule = z
  .string()
  .min(1)
  .max(512)
  .describe(
    'RFC 5545, without DTSTART: FREQ=WEEKLY;BYDAY=MO,WE;COUNT=10. `POST /schedules/check-rule` explains and refuses',
  );
const rdates = z.array(localTime).max(MAX_RDATES).describe('Further starts, beside those of the rule');
const exdates = z.array(localTime).max(MAX_EXDATES).describe('Starts that are left out');
const ends_local = localTime.describe('Instead of duration_seconds: exclusive, in the same zone');

/** What says when a schedule takes place, as it comes in a body. */
const times = {
  starts_local: localTime,
  ends_local: ends_local.optional(),
  duration_seconds: duration_seconds.optional(),
  time_zone: timeZone
    .nullable()
    .optional()
    .describe(
      'Absent: that of the calendar; null: floating, the same wall clock everywhere. All-day schedules have none',
    ),
  is_all_day: z.boolean().optional().describe('Absent: as the form of `starts_local` says'),
  rrule: rrule.nullable().optional(),
  rdates: rdates.optional(),
  exdates: exdates.optional(),
};

const BOTH_ENDS = { path: ['duration_seconds'], error: 'Give ends_local or duration_seconds, not both' };
const hasOneEnd = (body: { ends_local?: unknown; duration_seconds?: unknown }): boolean =>
  body.ends_local === undefined || body.duration_seconds === undefined;

export const createScheduleBody = z
  .strictObject({
    calendar_id: id.nullable().default(null).describe('Null: the oldest of your own in your personal space'),
    title,
    ...times,
    description: content.description.default(null),
    location: content.location.default(null),
    url: content.url.default(null),
    color: content.color.default(null),
    status: content.status.default('confirmed'),
    transparency: content.transparency.default('opaque'),
    visibility: content.visibility.default('default'),
    guests: newGuests.default([]).describe('Whom to invite; `POST …/guests` invites more'),
  })
  .refine(hasOneEnd, BOTH_ENDS)
  .meta({ id: 'CreateSchedule' });

export const updateScheduleBody = z
  .strictObject({
    version: version.optional().describe('The version that this edit was made on; another one answers 409'),
    title: title.optional(),
    ...z.object(content).partial().shape,
    ...times,
    starts_local: localTime.optional().describe('Of the occurrence that is named, else of the first'),
  })
  .refine((body) => Object.keys(body).some((field) => field !== 'version'), 'Give something to change')
  .refine(hasOneEnd, BOTH_ENDS)
  .meta({
    id: 'UpdateSchedule',
    description: 'What is absent stays as it is. With scope=this only what one occurrence can have of its own.',
  });

export const moveScheduleBody = z
  .strictObject({
    version: version.optional(),
    calendar_id: id.optional().describe('Of the same workspace; the whole schedule alone moves to it'),
    starts_local: localTime.optional().describe('Of the occurrence that is named, else of the first'),
    time_zone: timeZone.nullable().optional(),
  })
  .refine((body) => (body.calendar_id ?? body.starts_local ?? body.time_zone) !== undefined, 'Say where to move it')
  .meta({ id: 'MoveSchedule' });

/**
 * With `all`, an occurrence may be named that `starts_local` is the new start of; then scope=all must be said, for it is the
 * default, and whoever names one occurrence would be astonished to have changed the whole series.
 */
export const changeScheduleQuery = z.strictObject({
  scope: scope.optional().describe(`${scopeShape.scope.description ?? ''}. Absent: all`),
  recurrence_id: scopeShape.recurrence_id.describe(
    'Names the occurrence of `this` and `following`. With scope=all: the one that `starts_local` is the new start of',
  ),
  dry_run: scopeShape.dry_run,
});

export const listSchedulesQuery = z.strictObject({ cursor, limit: pageLimit(100) });

const expected_version = version.optional().describe('From If-Match');
export const scheduleRef = z.strictObject({ schedule_id: id });
export const listSchedulesInput = listSchedulesQuery.extend({ calendar_id: id });

const change = { ...changeScheduleQuery.shape, schedule_id: id, expected_version };
type Change = {
  scope?: z.infer<typeof scope> | undefined;
  recurrence_id?: string | undefined;
  starts_local?: string | undefined;
};

function namesOccurrence(input: Change, ctx: z.RefinementCtx): void {
  if (input.scope === 'all' && input.recurrence_id !== undefined && input.starts_local !== undefined) return;
  needsRecurrenceId({ scope: input.scope ?? 'all', recurrence_id: input.recurrence_id }, ctx);
}

export const updateScheduleInput = updateScheduleBody.safeExtend(change).superRefine(namesOccurrence);
export const moveScheduleInput = moveScheduleBody.safeExtend(change).superRefine(namesOccurrence);
export const deleteScheduleInput = scopeQuery.safeExtend({ schedule_id: id, expected_version });
