import { z } from 'zod';

export { timeZone } from '../workspace/settings-schemas.ts';

const LOCAL_TIME = /^(19\d\d|20\d\d|2100)-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(T([01]\d|2[0-3]):[0-5]\d:[0-5]\d)?$/;

/** Whether the day is one of its month: the pattern lets the 31st of February through. */
function isDayOfMonth(text: string): boolean {
  const [year = 0, month = 0, day = 0] = text.slice(0, 10).split('-').map(Number);
  return new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day;
}

/** A wall clock without a zone (`LocalTime` of `rules/series.ts`): with a time of day, or of all-day schedules without. */
export const localTime = z
  .string()
  .regex(LOCAL_TIME, 'Not a local time such as 2026-03-01T09:00:00, or of an all-day schedule 2026-03-01')
  .refine((text) => !LOCAL_TIME.test(text) || isDayOfMonth(text), 'There is no such day')
  .describe(
    'A wall clock without a zone, `2026-03-01T09:00:00`; of an all-day schedule `2026-03-01`. Years 1900 to 2100',
  );

/**
 * A local time in an answer. It may lie beyond the years that one is given in: occurrences recur, and end, after 2100 too.
 */
export const shownTime = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d)?$/)
  .describe('A wall clock without a zone, `2026-03-01T09:00:00`; of an all-day schedule `2026-03-01`');

/** Whether a local time has the form that the schedule's times have. */
export const fitsAllDay = (text: string, is_all_day: boolean): boolean => text.includes('T') !== is_all_day;

/** What names one occurrence of a schedule. */
export const recurrenceId = localTime.describe(
  "The start that the schedule's rule gives the occurrence, in the schedule's zone: the same form as `starts_local`",
);

/** Which occurrences of a series a change is about. */
export const scope = z.enum(['this', 'following', 'all']);
export type Scope = z.infer<typeof scope>;

/** The query of every change of a schedule. `superRefine` what is made of it with `needsRecurrenceId`. */
export const scopeShape = {
  scope: scope
    .default('all')
    .describe(
      'The one occurrence, it and those after it, or all of them. `following` at the first occurrence is `all`',
    ),
  recurrence_id: recurrenceId
    .optional()
    .describe('Names the occurrence of `this` and `following`: the start that the rule gives it'),
  dry_run: z
    .stringbool()
    .or(z.boolean())
    .default(false)
    .describe('True changes nothing, and lists what would be added, removed, moved and lost'),
};

/**
 * `recurrence_id` belongs to `this` and `following`. With `all` it is refused: `all` is the default, and whoever names one
 * occurrence would be astonished to have changed the whole series. For `superRefine`.
 */
export function needsRecurrenceId(
  query: { scope: Scope; recurrence_id?: string | undefined },
  ctx: z.RefinementCtx,
): void {
  const named = query.recurrence_id !== undefined;
  if ((query.scope === 'all') !== named) return;
  const message = named
    ? 'Names one occurrence: give scope=this or scope=following with it'
    : 'Needed with this scope: it says which occurrence';
  ctx.addIssue({ code: 'custom', path: ['recurrence_id'], message });
}

/** The query of a change: `scope`, `recurrence_id`, `dry_run`. */
export const scopeQuery = z.strictObject(scopeShape).superRefine(needsRecurrenceId);
