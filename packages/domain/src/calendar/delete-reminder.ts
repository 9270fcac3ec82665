import { withContext } from '@potentia/db/context';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { changeReminder, previewChange } from './change-reminder.ts';
import { deleteReminderInput, type ReminderPreview } from './reminder-schemas.ts';

/**
 * Deletes a reminder of one's own, or leaves out one of its occurrences, or ends it before one. With `dry_run` it writes nothing and
 * returns what it would do; else null. Throws `schedule.not_found`, `schedule.occurrence_not_found`, `reminder.not_found` (also for an
 * occurrence that it is not of).
 */
export async function deleteReminder(
  ctx: UserCtx,
  input: z.input<typeof deleteReminderInput>,
): Promise<ReminderPreview | null> {
  const { dry_run, ...target } = parseInput(deleteReminderInput, input);
  if (dry_run) return fromDb(() => previewChange(ctx, target, null));
  await fromDb(() =>
    withContext(ctx.db, { user_id: ctx.actor.user_id }, (tx) => changeReminder(ctx, tx, target, null)),
  );
  return null;
}
