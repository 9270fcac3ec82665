import { getWebhookDisabledMail } from '@potentia/db/webhook/queries';
import { z } from 'zod';
import { fromDb } from '../platform/db-errors.ts';
import type { Mail } from '../platform/mail.ts';
import { printMail } from '../platform/rules/mail-text.ts';
import type { MailCtx, MailJob } from '../platform/send-mail.ts';
import { disabledMailText } from './rules/disabled-mail-text.ts';

const payload = z.object({ reference: z.uuid(), user_id: z.uuid() });

/** Tells one admin of a webhook that was disabled. Null once it is enabled again, or they are no admin any more. */
export async function composeDisabledMail(ctx: MailCtx, job: MailJob): Promise<Mail | null> {
  const { reference: webhook_id, user_id } = payload.parse(job.payload);
  const facts = await fromDb(() => getWebhookDisabledMail(ctx.db, { webhook_id, user_id }));
  if (!facts) return null;
  const { email, url: endpoint, workspace_id, workspace_name, reason } = facts;
  const url = `${ctx.app_url}/workspaces/${workspace_id}/webhooks/${webhook_id}`;
  const locale = facts.locale === 'id' ? 'id' : 'en';
  return { to: email, ...printMail(disabledMailText({ workspace_name, endpoint, reason, url }, locale)) };
}
