import { getReminderMail } from '@potentia/db/calendar/reminder-queries';
import { z } from 'zod';
import { fromDb } from '../platform/db-errors.ts';
import type { Mail } from '../platform/mail.ts';
import { printMail } from '../platform/rules/mail-text.ts';
import type { MailCtx, MailJob } from '../platform/send-mail.ts';
import { reminderMailText } from './rules/reminder-mail-text.ts';

const payload = z.object({
  user_id: z.uuid(),
  schedule_id: z.uuid(),
  recurrence_id: z.string(),
  starts_at: z.iso.datetime(),
  ends_at: z.iso.datetime(),
});

/** The mail of a reminder. Null once its reader cannot read the schedule any more, or the occurrence was called off. */
export async function composeReminderMail(ctx: MailCtx, job: MailJob): Promise<Mail | null> {
  const { user_id, schedule_id, recurrence_id, starts_at, ends_at } = payload.parse(job.payload);
  const facts = await fromDb(() => getReminderMail(ctx.db, { user_id, schedule_id, recurrence_id }));
  if (!facts) return null;
  const { email, calendar_id, title, location, is_all_day, time_zone } = facts;
  const url = `${ctx.app_url}/calendars/${calendar_id}/schedules/${schedule_id}?recurrence_id=${encodeURIComponent(recurrence_id)}`;
  const locale = facts.locale === 'id' ? 'id' : 'en';
  return {
    to: email,
    ...printMail(reminderMailText({ title, location, is_all_day, starts_at, ends_at, time_zone, url }, locale)),
  };
}
