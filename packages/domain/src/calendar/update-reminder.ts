import { withContext } from '@potentia/db/context';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { changeReminder, previewChange } from './change-reminder.ts';
import { type Reminder, type ReminderPreview, updateReminderInput } from './reminder-schemas.ts';

/**
 * Changes a reminder of one's own, for all of its occurrences, or for one, or for one and those after it: then another reminder takes
 * those over, and is what is answered. With `dry_run` it writes nothing and says what it would do. Throws `schedule.not_found`,
 * `schedule.occurrence_not_found`, `reminder.not_found` (also for an occurrence that it is not of), `reminder.version_conflict` with
 * the current one, `reminder.too_many`.
 */
export async function updateReminder(
  ctx: UserCtx,
  input: z.input<typeof updateReminderInput>,
): Promise<Reminder | ReminderPreview> {
  const parsed = parseInput(updateReminderInput, input);
  const { schedule_id, reminder_id, version, scope, recurrence_id, dry_run, ...patch } = parsed;
  const target = { schedule_id, reminder_id, version, scope, recurrence_id };
  if (dry_run) return fromDb(() => previewChange(ctx, target, patch));
  const reminder = await fromDb(() =>
    withContext(ctx.db, { user_id: ctx.actor.user_id }, (tx) => changeReminder(ctx, tx, target, patch)),
  );
  if (!reminder) throw new Error('a reminder was not written');
  return reminder;
}
