import { asSystem } from '@potentia/db/context';
import {
  type DueReminderRow,
  type DueReminders,
  type RemindedSchedule,
  type ReminderMessage,
  type SettledReminder,
  settleReminders,
  takeDueReminders,
} from '@potentia/db/calendar/reminder-queries';
import { z } from 'zod';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { ME_DELIVER } from '../platform/deliver-me.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { MAIL_SEND } from '../platform/send-mail.ts';
import { findOccurrence } from './rules/expand.ts';
import { printInstant } from './rules/print-times.ts';
import { appliesTo, type DueReminder, dueOf, isTimely, nextDue } from './rules/reminder-times.ts';
import { effectiveResponse } from './rules/responses.ts';

/** The topic of the periodic look at which reminders are due. */
export const CALENDAR_REMIND = 'calendar.remind';
export const remindPayload = z.object({});

/** The template of the mail of a reminder. */
export const REMINDER_MAIL = 'schedule_reminder';

/** What is told of reminders that are sent. */
export interface ReminderMetrics {
  /** `late_ms` after it was due. */
  observeReminder(channel: 'in_app' | 'email', late_ms: number): void;
}

/** Reminders of one transaction. */
const BATCH = 200;
/** Batches of one run; what is left waits for the next. */
const MAX_BATCHES = 1_000;

/**
 * Sends what is due and works out what is due next, batch by batch, each in one transaction: a reminder is sent once for each
 * occurrence, whatever dies, however many run at once. Who lost access, declined or was never let in is sent nothing.
 */
export async function remind(
  ctx: Pick<Ctx, 'db' | 'bus' | 'log' | 'clock' | 'request_id'> & { reminders: ReminderMetrics },
): Promise<{ taken: number; sent: number }> {
  const done = { taken: 0, sent: 0 };
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    const { taken, sent, is_last } = await remindBatch(ctx);
    done.taken += taken;
    done.sent += sent.length;
    for (const { channel, late_ms } of sent) ctx.reminders.observeReminder(channel, late_ms);
    if (sent.length > 0) publishOutboxHint(ctx);
    if (is_last) break;
  }
  if (done.sent > 0) ctx.log.info(done, 'reminders were sent');
  return done;
}

interface Sent {
  channel: 'in_app' | 'email';
  late_ms: number;
}

interface Batch {
  taken: number;
  sent: Sent[];
  is_last: boolean;
}

function remindBatch(ctx: Pick<Ctx, 'db' | 'log' | 'clock' | 'request_id'>): Promise<Batch> {
  const now = ctx.clock().getTime();
  return fromDb(() =>
    asSystem(ctx.db, CALENDAR_REMIND, async (tx) => {
      const due = await takeDueReminders(tx, { now: new Date(now).toISOString(), limit: BATCH });
      if (due.reminders.length === 0) return { taken: 0, sent: [], is_last: true };
      const { rows, messages, sent } = settleAll(ctx.log, due, now);
      await settleReminders(tx, { rows, messages, request_id: ctx.request_id });
      const taken = due.reminders.length;
      // Of some the next is due already.
      const is_last = taken < BATCH && !rows.some(({ next_at }) => next_at !== null && Date.parse(next_at) <= now);
      return { taken, sent, is_last };
    }),
  );
}

interface Settled {
  rows: SettledReminder[];
  messages: ReminderMessage[];
  sent: Sent[];
}

function settleAll(log: Ctx['log'], { reminders, schedules }: DueReminders, now: number): Settled {
  const all: Settled = { rows: [], messages: [], sent: [] };
  for (const reminder of reminders) {
    const schedule = schedules[reminder.schedule_id];
    if (!schedule) continue;
    try {
      const { row, message } = settle(reminder, schedule, now);
      all.rows.push(row);
      if (!message) continue;
      for (const channel of reminder.channels) {
        if (channel === 'email' && !reminder.has_email) continue;
        all.messages.push(messageOf(channel, reminder, schedule, message));
        all.sent.push({ channel, late_ms: now - message.due_at });
      }
    } catch (error) {
      // A series that cannot be expanded must not keep the others waiting.
      log.error({ err: error, reminder_id: reminder.id, schedule_id: reminder.schedule_id }, 'a reminder was given up');
      all.rows.push({ id: reminder.id, next_at: null, next_recurrence_id: null, last_at: null });
    }
  }
  return all;
}

/** What is to be sent of one reminder now, if anything, and when it is due next. */
function settle(
  reminder: DueReminderRow,
  schedule: RemindedSchedule,
  now: number,
): { row: SettledReminder; message: DueReminder | null } {
  const due = findDue(reminder, schedule, now);
  const { time_zone } = reminder;
  const silent_until = Math.max(Date.parse(reminder.silent_until), due?.due_at ?? -Infinity);
  const next = nextDue(reminder, schedule.series, { time_zone, now, silent_until, sent: due });
  const row: SettledReminder = {
    id: reminder.id,
    next_at: next && new Date('look_again' in next ? next.look_again : next.due_at).toISOString(),
    next_recurrence_id: next && 'due_at' in next ? next.recurrence_id : null,
    last_at: due && new Date(due.due_at).toISOString(),
  };
  return { row, message: due && isWanted(reminder, schedule, due) ? due : null };
}

/** The occurrence that the reminder was taken for; null: there is none yet, it is no more, or it is later now. */
function findDue(reminder: DueReminderRow, { series }: RemindedSchedule, now: number): DueReminder | null {
  const { next_recurrence_id } = reminder;
  if (next_recurrence_id === null || !appliesTo(reminder, next_recurrence_id)) return null;
  const occurrence = findOccurrence(series, next_recurrence_id);
  const due = occurrence && dueOf(reminder, series, occurrence, reminder.time_zone);
  return due && due.due_at <= now && isTimely(due, now) ? due : null;
}

function isWanted(reminder: DueReminderRow, schedule: RemindedSchedule, { recurrence_id }: DueReminder): boolean {
  const override = schedule.series.overrides.find((row) => row.recurrence_id === recurrence_id);
  if (reminder.role === null || (override?.status ?? schedule.status) === 'cancelled') return false;
  if (reminder.response === null) return true;
  return effectiveResponse({ response: reminder.response }, reminder.responses, recurrence_id) !== 'declined';
}

function messageOf(
  channel: 'in_app' | 'email',
  { id, user_id, schedule_id }: DueReminderRow,
  schedule: RemindedSchedule,
  { recurrence_id, starts_at, ends_at }: DueReminder,
): ReminderMessage {
  const { workspace_id, calendar_id, words, series } = schedule;
  const when = {
    schedule_id,
    recurrence_id,
    starts_at: printInstant(starts_at),
    ends_at: printInstant(ends_at),
  };
  if (channel === 'email') {
    const payload = { template: REMINDER_MAIL, reference: id, user_id, ...when };
    return { topic: MAIL_SEND, workspace_id, user_id, payload };
  }
  const own = words[recurrence_id];
  const payload = {
    user_id,
    type: 'schedule.reminder',
    reminder_id: id,
    calendar_id,
    title: own?.title ?? schedule.title,
    location: own?.location ?? schedule.location,
    is_all_day: series.is_all_day,
    ...when,
  };
  return { topic: ME_DELIVER, workspace_id, user_id, payload };
}
