import { z } from 'zod';
import { safeText } from '../canvas/rules/content.ts';
import { id, pageLimit, pageOf, timestamp } from '../platform/schemas.ts';
import { shownTime, timeZone } from './time-schemas.ts';

/** Days of one view. */
export const MAX_WINDOW_DAYS = 400;
/** Words of one search. */
const MAX_WORDS = 10;
const DAY_MS = 86_400_000;
const EARLIEST = Date.UTC(1900, 0, 1);
const LATEST = Date.UTC(2102, 0, 1);

const flag = z.stringbool().or(z.boolean()).default(false);
const response = z.enum(['needs_action', 'accepted', 'declined', 'tentative']);

/** With any offset. */
const instant = z.iso.datetime({ offset: true }).refine((text) => {
  const ms = Date.parse(text);
  return ms >= EARLIEST && ms < LATEST;
}, 'Not in the years 1900 to 2101');

/** In lower case. */
export const wordsOf = (text: string): string[] => text.toLowerCase().split(/\s+/).filter(Boolean);

// Outputs

export const viewItem = z
  .strictObject({
    calendar_id: id,
    schedule_id: id.nullable().describe('Null: you see only that somebody is busy'),
    recurrence_id: shownTime.nullable().describe('Names the occurrence in its schedule'),
    starts_at: timestamp.describe('Of all-day and floating ones in the zone that was asked for'),
    ends_at: timestamp,
    starts_local: shownTime.nullable().describe("The wall clock in the schedule's zone"),
    time_zone: z.string().nullable().describe('IANA; null: all day, or floating'),
    is_all_day: z.boolean(),
    is_recurring: z.boolean(),
    is_override: z.boolean().describe('It differs from its series'),
    title: z.string().nullable(),
    location: z.string().nullable(),
    status: z.enum(['confirmed', 'tentative', 'cancelled']),
    transparency: z.enum(['opaque', 'transparent']),
    visibility: z.enum(['default', 'private', 'busy']).describe('`busy`: a block of somebody of whom you see no more'),
    color: z.string().nullable().describe("Your subscription's, else the schedule's, else the calendar's"),
    my_response: response.nullable().describe('To this occurrence; null: you are no guest'),
    organiser_user_id: id.nullable(),
    can_edit: z.boolean(),
  })
  .meta({ id: 'ViewItem' });
export type ViewItem = z.infer<typeof viewItem>;

export const viewPage = pageOf(viewItem).meta({ id: 'ViewPage' });

// Inputs

export const viewQuery = z
  .strictObject({
    from: instant.describe('ISO 8601 with `Z` or an offset'),
    to: instant.describe(`Exclusive; at most ${MAX_WINDOW_DAYS} days after \`from\``),
    time_zone: timeZone
      .optional()
      .describe('Of whoever looks: where all-day and floating schedules are. By default your own'),
    calendar_id: id.optional().describe('This calendar alone, also if you hide it'),
    include_hidden: flag.describe('Calendars that you hide, too'),
    q: safeText(200)
      .refine((text) => wordsOf(text).length > 0, 'Must not be empty')
      .refine((text) => wordsOf(text).length <= MAX_WORDS, `At most ${MAX_WORDS} words`)
      .optional()
      .describe('Words or parts of them, which all stand in the title, the location or the description'),
    cursor: z.string().min(1).max(1_024).optional(),
    limit: pageLimit(5_000, 1_000),
  })
  .superRefine((query, ctx) => {
    const [from, to] = [Date.parse(query.from), Date.parse(query.to)];
    if (to <= from) ctx.addIssue({ code: 'custom', path: ['to'], message: 'Not after from' });
    else if (to - from > MAX_WINDOW_DAYS * DAY_MS)
      ctx.addIssue({ code: 'custom', path: ['to'], message: `More than ${MAX_WINDOW_DAYS} days after from` });
  });

/** Of `rules/view-page.ts`. */
export const viewPosition = z.tuple([z.int().min(EARLIEST).max(LATEST), z.string().max(36), z.int()]);
