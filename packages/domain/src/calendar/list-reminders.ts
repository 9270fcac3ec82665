import { listReminders as selectReminders } from '@potentia/db/calendar/reminder-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { type ReminderList, remindersRef } from './reminder-schemas.ts';

/** One's own reminders of a schedule, the oldest first. Throws `schedule.not_found`. */
export async function listReminders(ctx: UserCtx, input: z.input<typeof remindersRef>): Promise<ReminderList> {
  const { schedule_id } = parseInput(remindersRef, input);
  const scope = { user_id: ctx.actor.user_id, schedule_id, locks: false };
  const { reminders } = await fromDb(() => selectReminders(ctx.db, scope));
  return { items: reminders };
}
