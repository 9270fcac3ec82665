import {
  listReminders,
  type ReminderRow,
  type WrittenReminder,
  writeReminders,
} from '@potentia/db/calendar/reminder-queries';
import type { SeriesRow } from '@potentia/db/calendar/rows';
import type { Queryable } from '@potentia/db/client';
import type { Tx } from '@potentia/db/context';
import type { UserCtx } from '../platform/ctx.ts';
import { AppError } from '../platform/errors.ts';
import { invalidField } from '../platform/parse.ts';
import { newId } from '../platform/uuid.ts';
import { nameOccurrence } from './name-occurrence.ts';
import { MAX_REMINDERS, MAX_SKIPS, type ReminderPreview } from './reminder-schemas.ts';
import { editReminder, type ReminderParts, type ReminderPatch } from './rules/edit-reminder.ts';
import { isFirst } from './rules/split-series.ts';
import type { Scope } from './time-schemas.ts';

/** Which reminder, for which of its occurrences. */
export interface ReminderTarget {
  schedule_id: string;
  reminder_id: string;
  version?: number | undefined;
  scope: Scope;
  recurrence_id?: string | undefined;
}

/**
 * Changes or deletes (`patch` null) a reminder of one's own, for all of its occurrences or some. Returns the one that now has what
 * was given; null: it was deleted. Throws `schedule.not_found`, `schedule.occurrence_not_found`, `reminder.not_found`,
 * `reminder.version_conflict`, `reminder.too_many`.
 */
export async function changeReminder(
  ctx: UserCtx,
  tx: Tx,
  target: ReminderTarget,
  patch: ReminderPatch | null,
): Promise<ReminderRow | null> {
  const of = { user_id: ctx.actor.user_id, schedule_id: target.schedule_id };
  const { current, left, taken, recurrence_id } = await planChange(tx, { ...of, locks: true }, target, patch);
  const expected_version = target.version ?? current.version;
  const rows: WrittenReminder[] = [];
  if (left) rows.push({ ...partsOf(left), expected_version });
  if (taken) rows.push({ ...partsOf(taken), expected_version: null });
  const now = await writeReminders(tx, {
    ...of,
    reminder_id: current.id,
    action: patch ? 'update' : 'delete',
    deletes: left ? [] : [{ id: current.id, expected_version }],
    rows,
    max: MAX_REMINDERS,
    after: patch && { scope: target.scope, recurrence_id, ...patch },
    request_id: ctx.request_id,
  });
  const written = (taken ?? left)?.id;
  return patch === null ? null : (now.find(({ id }) => id === written) ?? null);
}

/** What `changeReminder` would do; it throws the same, and writes nothing. */
export async function previewChange(
  ctx: UserCtx,
  target: ReminderTarget,
  patch: ReminderPatch | null,
): Promise<ReminderPreview> {
  const { schedule_id } = target;
  const of = { user_id: ctx.actor.user_id, schedule_id, locks: false };
  const { reminders, current, left, taken } = await planChange(ctx.db, of, target, patch);
  if (target.version !== undefined && target.version !== current.version) {
    throw new AppError('conflict', 'reminder.version_conflict', 'The reminder was changed meanwhile.', { current });
  }
  if (taken) checkRoom(reminders.length + 1);
  return {
    added: taken ? [{ ...partsOf(taken), id: null, schedule_id }] : [],
    changed: left ? [{ ...partsOf(left), schedule_id }] : [],
    removed: left ? [] : [{ ...partsOf(current), schedule_id }],
  };
}

/** Throws `reminder.too_many`. */
export function checkRoom(count: number): void {
  if (count <= MAX_REMINDERS) return;
  const message = `You have at most ${MAX_REMINDERS} reminders of one schedule.`;
  throw new AppError('conflict', 'reminder.too_many', message);
}

/** What is left of the reminder, and what another one takes over. */
async function planChange(
  db: Queryable,
  of: Parameters<typeof listReminders>[1],
  target: ReminderTarget,
  patch: ReminderPatch | null,
) {
  const { reminders, series } = await listReminders(db, of);
  const current = reminders.find(({ id }) => id === target.reminder_id);
  if (!current) throw notFound();
  const { is_first, recurrence_id } = nameFirst(series, target);
  const edited = editReminder(current, { scope: target.scope, recurrence_id, is_first }, patch, newId());
  if (!edited) throw notFound();
  if (edited.left && edited.left.skips.length > MAX_SKIPS)
    throw invalidField('/recurrence_id', 'This reminder leaves out too many already');
  return { reminders, current, recurrence_id, ...edited };
}

function nameFirst(
  series: SeriesRow,
  { scope, recurrence_id: asked }: ReminderTarget,
): { recurrence_id: string | null; is_first: boolean } {
  const recurrence_id = nameOccurrence(series, asked);
  return { recurrence_id, is_first: scope === 'following' && recurrence_id !== null && isFirst(series, recurrence_id) };
}

const notFound = () => new AppError('not_found', 'reminder.not_found', 'There is no such reminder');

/** What of a reminder is written. */
function partsOf(reminder: ReminderParts): Omit<WrittenReminder, 'expected_version'> {
  const { id, applies_to, recurrence_id, until_recurrence_id, skips, minutes_before, local_time, days_before } =
    reminder;
  const channels = reminder.channels as WrittenReminder['channels'];
  return {
    id,
    applies_to,
    recurrence_id,
    until_recurrence_id,
    skips,
    minutes_before,
    local_time,
    days_before,
    channels,
  };
}
