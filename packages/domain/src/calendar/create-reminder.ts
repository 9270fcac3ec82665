import { listReminders, writeReminders } from '@potentia/db/calendar/reminder-queries';
import { withContext } from '@potentia/db/context';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { once, type Once } from '../platform/idempotency.ts';
import { parseInput } from '../platform/parse.ts';
import { newId } from '../platform/uuid.ts';
import { nameOccurrence } from './change-reminder.ts';
import { createReminderInput, MAX_REMINDERS, type Reminder } from './reminder-schemas.ts';

/**
 * Reminds oneself of a schedule that one reads: of all its occurrences, of one, or of one and those after it. What is past when
 * it is made is not reminded of. Exactly once per `Idempotency-Key`. Throws `schedule.not_found`, `schedule.occurrence_not_found`,
 * `reminder.too_many`.
 */
export async function createReminder(
  ctx: UserCtx,
  input: z.input<typeof createReminderInput>,
): Promise<Once<Reminder>> {
  const parsed = parseInput(createReminderInput, input);
  const { user_id } = ctx.actor;
  const { schedule_id, scope, minutes_before = null, local_time = null, channels } = parsed;
  const when = {
    minutes_before,
    local_time,
    days_before: local_time === null ? null : (parsed.days_before ?? 0),
    channels,
  };
  return fromDb(() =>
    withContext(ctx.db, { user_id }, (tx) =>
      once(ctx, tx, 'reminder.create', input, async () => {
        const { series } = await listReminders(tx, { user_id, schedule_id, locks: true });
        const recurrence_id = nameOccurrence(series, parsed.recurrence_id);
        const id = newId();
        const reminders = await writeReminders(tx, {
          user_id,
          schedule_id,
          reminder_id: id,
          action: 'create',
          deletes: [],
          rows: [
            {
              id,
              applies_to: scope,
              recurrence_id,
              until_recurrence_id: null,
              skips: [],
              ...when,
              expected_version: null,
            },
          ],
          max: MAX_REMINDERS,
          after: { schedule_id, scope, recurrence_id, ...when },
          request_id: ctx.request_id,
        });
        const made = reminders.find((reminder) => reminder.id === id);
        if (!made) throw new Error('a reminder was not written');
        return made;
      }),
    ),
  );
}
