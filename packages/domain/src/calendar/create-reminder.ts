import { listReminders, writeReminders } from '@potentia/db/calendar/reminder-queries';
import type { SeriesRow } from '@potentia/db/calendar/rows';
import { withContext } from '@potentia/db/context';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { once, type Once } from '../platform/idempotency.ts';
import { parseInput } from '../platform/parse.ts';
import { newId } from '../platform/uuid.ts';
import { checkRoom } from './change-reminder.ts';
import { nameOccurrence } from './name-occurrence.ts';
import { createReminderInput, MAX_REMINDERS, type Reminder, type ReminderPreview } from './reminder-schemas.ts';

type Input = z.output<typeof createReminderInput>;

/**
 * Reminds oneself of a schedule that one reads: of all its occurrences, of one, or of one and those after it. What is past when
 * it is made is not reminded of. Exactly once per `Idempotency-Key`. With `dry_run` it writes nothing and says what it would do.
 * Throws `schedule.not_found`, `schedule.occurrence_not_found`, `reminder.too_many`.
 */
export async function createReminder(
  ctx: UserCtx,
  input: z.input<typeof createReminderInput>,
): Promise<Once<Reminder | ReminderPreview>> {
  const parsed = parseInput(createReminderInput, input);
  const { user_id } = ctx.actor;
  const { schedule_id } = parsed;
  if (parsed.dry_run) return { result: await previewCreation(ctx, parsed), replayed: false };
  return fromDb(() =>
    withContext(ctx.db, { user_id }, (tx) =>
      once(ctx, tx, 'reminder.create', input, async () => {
        const { series } = await listReminders(tx, { user_id, schedule_id, locks: true });
        const row = { ...rowOf(parsed, series), id: newId() };
        const { applies_to, recurrence_id, minutes_before, local_time, days_before, channels } = row;
        const reminders = await writeReminders(tx, {
          user_id,
          schedule_id,
          reminder_id: row.id,
          action: 'create',
          deletes: [],
          rows: [{ ...row, expected_version: null }],
          max: MAX_REMINDERS,
          after: { schedule_id, scope: applies_to, recurrence_id, minutes_before, local_time, days_before, channels },
          request_id: ctx.request_id,
        });
        const made = reminders.find((reminder) => reminder.id === row.id);
        if (!made) throw new Error('a reminder was not written');
        return made;
      }),
    ),
  );
}

async function previewCreation(ctx: UserCtx, input: Input): Promise<ReminderPreview> {
  const of = { user_id: ctx.actor.user_id, schedule_id: input.schedule_id, locks: false };
  const { reminders, series } = await fromDb(() => listReminders(ctx.db, of));
  const added = { ...rowOf(input, series), id: null, schedule_id: input.schedule_id };
  checkRoom(reminders.length + 1);
  return { added: [added], changed: [], removed: [] };
}

function rowOf(input: Input, series: SeriesRow) {
  const { scope, minutes_before = null, local_time = null, channels } = input;
  return {
    applies_to: scope,
    recurrence_id: nameOccurrence(series, input.recurrence_id),
    until_recurrence_id: null,
    skips: [],
    minutes_before,
    local_time,
    days_before: local_time === null ? null : (input.days_before ?? 0),
    channels,
  };
}
