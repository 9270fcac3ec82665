import { z } from 'zod';
import { safeText } from '../canvas/rules/content.ts';
import { cursor, id, pageLimit, pageOf, timestamp } from '../platform/schemas.ts';
import { address } from '../workspace/invitation-schemas.ts';
import { guest_responses } from './rules/responses.ts';
import { localTime, needsRecurrenceId, recurrenceId, scope, scopeShape } from './time-schemas.ts';

/** Guests that one schedule has at most. */
export const MAX_GUESTS = 200;
/** Guests that are added at once. */
const MAX_ADDED = 100;
const MAX_COMMENT = 1_000;

const response = z.enum(guest_responses);
const is_optional = z.boolean().describe('Whether it takes place without them');
const name = safeText(200).nullable();
const comment = safeText(MAX_COMMENT);

// Outputs

const occurrenceResponse = z.strictObject({
  recurrence_id: recurrenceId,
  applies_to: z
    .enum(['this', 'following'])
    .describe('`following`: to this occurrence and those after it, until the next of the kind; `this` goes first'),
  response,
});

export const guest = z
  .strictObject({
    id,
    schedule_id: id,
    user_id: id.nullable().describe('Null: known by the address alone'),
    email: z.string().nullable().describe('Of who is no member of the workspace'),
    name: z.string().nullable(),
    is_optional,
    response: response.describe('To the whole series'),
    comment: z.string().nullable(),
    responded_at: timestamp.nullable(),
    responses: z.array(occurrenceResponse).describe('Where the answer to an occurrence is another'),
    created_by: id,
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'ScheduleGuest' });
export type Guest = z.infer<typeof guest>;

export const guestPage = pageOf(guest).meta({ id: 'ScheduleGuestPage' });
export type GuestPage = z.infer<typeof guestPage>;

export const guestList = z.strictObject({ items: z.array(guest) }).meta({ id: 'ScheduleGuestList' });
export type GuestList = z.infer<typeof guestList>;

export const answeredSchedule = z
  .strictObject({
    guest: guest.describe('You, as you are among the guests now; with `dry_run` as you would be'),
    dry_run: z.boolean().describe('True: nothing was changed'),
    lost: z
      .strictObject({ responses: z.array(occurrenceResponse) })
      .describe('Answers to single occurrences that this one takes the place of'),
  })
  .meta({ id: 'AnsweredSchedule' });
export type AnsweredSchedule = z.infer<typeof answeredSchedule>;

export const rsvp = z
  .strictObject({
    title: z.string(),
    organiser_name: z.string(),
    is_cancelled: z.boolean(),
    is_all_day: z.boolean(),
    starts_local: localTime,
    time_zone: z.string().nullable().describe('IANA; null: all day, or the same wall clock everywhere'),
    duration_seconds: z.int().min(0),
    rrule: z.string().nullable(),
    response,
  })
  .meta({ id: 'Rsvp' });
export type Rsvp = z.infer<typeof rsvp>;

// Inputs

const newGuest = z.strictObject({
  user_id: id.optional().describe('Somebody in the workspace'),
  email: address.optional().describe('An address of somebody in the workspace is that person; any other is written to'),
  name: name.default(null).describe('Of who goes by an address'),
  is_optional: is_optional.default(false),
});

/** Guests to add: of a new schedule too. */
export const newGuests = z
  .array(
    newGuest.refine((one) => (one.user_id === undefined) !== (one.email === undefined), 'Give either user_id or email'),
  )
  .max(MAX_ADDED);

export const addGuestsBody = z
  .strictObject({
    ...newGuest.shape,
    guests: newGuests.min(1).optional().describe('Several, instead of one: all of them, or on an error none'),
  })
  .refine((body) => [body.user_id, body.email, body.guests].filter((given) => given !== undefined).length === 1, {
    message: 'Give either user_id, email or guests',
  })
  .meta({ id: 'AddGuests' });

export const updateGuestBody = z
  .strictObject({ name: name.optional(), is_optional: is_optional.optional() })
  .refine((body) => Object.keys(body).length > 0, 'Give something to change')
  .meta({ id: 'UpdateGuest' });

export const respondToScheduleBody = z
  .strictObject({
    response,
    comment: comment.optional().describe('For everybody who sees the guests; absent: as it is, empty: none'),
  })
  .meta({ id: 'RespondToSchedule' });

const token = z.string().min(1).max(1_000).describe('From the link in the mail');

export const previewRsvpBody = z.strictObject({ token }).meta({ id: 'PreviewRsvp' });

export const rsvpBody = z
  .strictObject({
    token,
    response: z.enum(['accepted', 'declined', 'tentative']),
    comment: comment.optional().describe('Absent: as it is, empty: none'),
  })
  .meta({ id: 'AnswerRsvp' });

export const listGuestsQuery = z.strictObject({ cursor, limit: pageLimit(MAX_GUESTS, MAX_GUESTS) });

export const ofSchedule = z.strictObject({ schedule_id: id });
export const guestRef = ofSchedule.extend({ guest_id: id });

export const listGuestsInput = listGuestsQuery.extend(ofSchedule.shape);
export const addGuestsInput = addGuestsBody.safeExtend(ofSchedule.shape);
export const updateGuestInput = updateGuestBody.safeExtend(guestRef.shape);
export const respondToScheduleInput = respondToScheduleBody
  .extend({ ...ofSchedule.shape, ...scopeShape, scope: scope.default('all') })
  .superRefine(needsRecurrenceId);
