import { z } from 'zod';
import { safeText } from '../canvas/rules/content.ts';
import { cursor, id, pageLimit, pageOf, timestamp } from '../platform/schemas.ts';
import { timeZone } from '../workspace/settings-schemas.ts';
import { calendar_roles, subscriber_roles } from './rules/roles.ts';

const version = z.int().min(1);
/** A name that is there to be read: not only blanks, and none around it. */
const name = safeText(200)
  .min(1)
  .refine((text) => text.trim() === text, 'Starts or ends with a blank');
const description = safeText(2_000).nullable();
const color = z
  .string()
  .regex(/^#[0-9a-fA-F]{6}$/, 'Not a color such as #1a73e8')
  .toLowerCase()
  .describe('#rrggbb');

export const calendarRole = z.enum(calendar_roles).meta({
  id: 'CalendarRole',
  description: '`freebusy` sees when it is busy, `viewer` what stands in it, `editor` changes that, `owner` everything',
});
export const subscriberRole = z.enum(subscriber_roles).meta({ id: 'SubscriberRole' });

const is_exclusive = z.boolean().describe('A room or a machine: what stands in it never overlaps');
const is_hidden = z.boolean().describe('Left out of views that ask for no calendar');
const affects_busy = z.boolean().describe('What stands in it makes you busy');

// Outputs

export const calendar = z
  .strictObject({
    id,
    workspace_id: id,
    owner_user_id: id,
    name: z.string(),
    description: z.string().nullable(),
    color: z.string().nullable(),
    time_zone: z.string().describe('Of schedules that name none'),
    is_exclusive,
    role: calendarRole.describe('Yours'),
    my_color: z.string().nullable().describe("In which you show it; null: the calendar's"),
    is_hidden,
    affects_busy,
    version,
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'Calendar' });
export type Calendar = z.infer<typeof calendar>;

export const calendarPage = pageOf(calendar).meta({ id: 'CalendarPage' });
export type CalendarPage = z.infer<typeof calendarPage>;

export const subscription = z
  .strictObject({
    calendar_id: id,
    user_id: id,
    name: z.string(),
    email: z.string().nullable(),
    role: calendarRole,
    color: z.string().nullable().describe('In which you show the calendar; of others null'),
    is_hidden: is_hidden.nullable().describe('Left out of views that ask for no calendar; of others null'),
    affects_busy: affects_busy.nullable().describe('What stands in it makes you busy; of others null'),
    version,
    created_by: id,
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'CalendarSubscription' });
export type Subscription = z.infer<typeof subscription>;

export const subscriptionPage = pageOf(subscription).meta({ id: 'CalendarSubscriptionPage' });
export type SubscriptionPage = z.infer<typeof subscriptionPage>;

// Inputs: bodies and queries of the routes; verbs take them together with the ids of the path.

export const createCalendarBody = z
  .strictObject({
    workspace_id: id.nullable().default(null).describe('Null: your personal space'),
    name,
    description: description.default(null),
    color: color.nullable().default(null),
    time_zone: timeZone.nullable().default(null).describe('Of schedules that name none; null: yours'),
    is_exclusive: is_exclusive.default(false),
  })
  .meta({ id: 'CreateCalendar' });

export const updateCalendarBody = z
  .strictObject({
    name: name.optional(),
    description: description.optional(),
    color: color.nullable().optional(),
    time_zone: timeZone
      .optional()
      .describe('What stands in the calendar keeps its own. Of an exclusive calendar only while it is empty'),
    is_exclusive: is_exclusive.optional().describe('Only an empty calendar becomes exclusive'),
  })
  .refine((body) => Object.keys(body).length > 0, 'Give at least one field')
  .meta({ id: 'UpdateCalendar' });

export const listCalendarsQuery = z.strictObject({
  workspace_id: id.optional().describe('Only those of this workspace'),
  cursor,
  limit: pageLimit(),
});

export const transferCalendarBody = z
  .strictObject({ user_id: id.describe('A subscriber, who becomes the owner') })
  .meta({ id: 'TransferCalendar' });

export const createSubscriptionBody = z
  .strictObject({ user_id: id.describe('A person or an API key of the workspace'), role: subscriberRole })
  .meta({ id: 'CreateSubscription' });

export const updateSubscriptionBody = z
  .strictObject({
    role: subscriberRole.optional().describe("The owner of the calendar gives it; the owner's own is fixed"),
    color: color.nullable().optional().describe("Yours to choose, #rrggbb; null: the calendar's"),
    is_hidden: is_hidden.optional().describe('Yours to choose: left out of views that ask for no calendar'),
    affects_busy: affects_busy.optional().describe('Yours to choose: what stands in it makes you busy'),
  })
  .refine((body) => Object.keys(body).length > 0, 'Give at least one field')
  .meta({ id: 'UpdateSubscription' });

export const listSubscriptionsQuery = z.strictObject({ cursor, limit: pageLimit() });

const ofCalendar = { calendar_id: id };
/** Several verbs need nothing but the calendar. */
export const calendarRef = z.strictObject(ofCalendar);
export const subscriptionRef = z.strictObject({ ...ofCalendar, user_id: id });

const expected_version = version.optional().describe('From If-Match');
export const updateCalendarInput = updateCalendarBody.safeExtend({ ...ofCalendar, expected_version });
export const transferCalendarInput = transferCalendarBody.extend(ofCalendar);
export const createSubscriptionInput = createSubscriptionBody.extend(ofCalendar);
export const listSubscriptionsInput = listSubscriptionsQuery.extend(ofCalendar);
export const updateSubscriptionInput = updateSubscriptionBody.safeExtend({
  ...subscriptionRef.shape,
  expected_version,
});
