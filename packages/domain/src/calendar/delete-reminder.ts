import { withContext } from '@potentia/db/context';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { changeReminder } from './change-reminder.ts';
import { deleteReminderInput } from './reminder-schemas.ts';

/**
 * Deletes a reminder of one's own, or leaves out one of its occurrences, or ends it before one. Throws `schedule.not_found`,
 * `schedule.occurrence_not_found`, `reminder.not_found` (also for an occurrence that it is not of).
 */
export async function deleteReminder(ctx: UserCtx, input: z.input<typeof deleteReminderInput>): Promise<void> {
  const target = parseInput(deleteReminderInput, input);
  await fromDb(() =>
    withContext(ctx.db, { user_id: ctx.actor.user_id }, (tx) => changeReminder(ctx, tx, target, null)),
  );
}
