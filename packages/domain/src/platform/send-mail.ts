import { beginMail, finishMail } from '@potentia/db/platform/mail-queries';
import { z } from 'zod';
import type { Ctx } from './ctx.ts';
import { fromDb } from './db-errors.ts';
import { AppError } from './errors.ts';
import { type Mail, type Mailer, MailRefused } from './mail.ts';
import type { OutboxJob } from './outbox.ts';

/** The outbox topic of mail. The row names what to say and about what, never the address or the text. */
export const MAIL_SEND = 'mail.send';
export const sendMailPayload = z.looseObject({
  /** A key of the templates that the jobs service knows. */
  template: z.string().min(1).max(100),
  /** The id of what it is about. */
  reference: z.string().min(1).max(200),
});
export type MailJob = OutboxJob<z.infer<typeof sendMailPayload>>;

/** What a mail is made and sent with. */
export interface MailCtx extends Pick<Ctx, 'db' | 'log'> {
  mailer: Mailer;
  /** Where links in mails lead; no slash at its end. */
  app_url: string;
}

/** Reads what the mail says, as it stands now. Null: there is nothing to say any more. */
export type ComposeMail<C extends MailCtx> = (ctx: C, job: MailJob) => Promise<Mail | null>;

/** Waiting times between attempts at a server that does not take mail, in milliseconds. */
const FIRST_RETRY_MS = 2_000;
const LAST_RETRY_MS = 600_000;

/**
 * Sends the mail of one outbox row, once: when it has been sent, refused or dropped, later calls do nothing. Between the
 * server's word and ours a crash can still send it twice; both copies then have the Message-ID of the row. A refusal parks
 * it with its reason: AppError `mail.refused`. Throws `mail.unavailable` with the time to wait, longer with each attempt.
 */
export async function sendMail<C extends MailCtx>(
  ctx: C,
  templates: Record<string, ComposeMail<C>>,
  job: MailJob,
): Promise<'sent' | 'dropped' | 'done_before'> {
  const { outbox_id, workspace_id, payload } = job;
  const compose = templates[payload.template];
  if (!compose) throw new Error(`no template ${payload.template}`);
  const { template, reference } = payload;
  const { status, attempts } = await fromDb(() => beginMail(ctx.db, { outbox_id, workspace_id, template, reference }));
  if (status !== 'sending') return 'done_before';
  const end = (how: 'sent' | 'dropped' | 'parked', reason?: string) =>
    fromDb(() => finishMail(ctx.db, outbox_id, how, reason));

  const mail = await compose(ctx, job);
  if (!mail) {
    await end('dropped', 'nothing to say any more');
    return 'dropped';
  }
  try {
    await ctx.mailer.send({ ...mail, id: outbox_id });
  } catch (error) {
    if (error instanceof MailRefused) {
      await end('parked', error.message);
      throw new AppError('invalid', 'mail.refused', error.message, {}, { cause: error });
    }
    if (error instanceof AppError && error.kind === 'unavailable') {
      const retry_after_ms = Math.min(FIRST_RETRY_MS * 2 ** (attempts - 1), LAST_RETRY_MS);
      throw new AppError(error.kind, error.code, error.message, { retry_after_ms }, { cause: error });
    }
    throw error;
  }
  await end('sent');
  return 'sent';
}
