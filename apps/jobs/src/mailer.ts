import type { Logger } from '@potentia/config/logger';
import { createSmtpMailer } from '@potentia/domain/platform/adapters/smtp';
import { AppError } from '@potentia/domain/platform/errors';
import type { Mailer } from '@potentia/domain/platform/mail';
import type { JobsConfig } from './config.ts';

/**
 * The mailer of this configuration. Without a mail server mails wait in their queue, and everything else works. Throws
 * for a server without a sender or without the place where links lead.
 */
export function createMailer(config: JobsConfig, log: Logger): Mailer & { close(): void } {
  const { SMTP_URL, MAIL_FROM, APP_URL } = config;
  if (SMTP_URL === undefined) {
    log.warn('no mail is sent: SMTP_URL is not set; mails wait');
    const send = () =>
      Promise.reject(new AppError('unavailable', 'mail.unavailable', 'There is no mail server: SMTP_URL is not set'));
    return { send, close: () => undefined };
  }
  if (MAIL_FROM === undefined || APP_URL === undefined) throw new Error('SMTP_URL needs MAIL_FROM and APP_URL');
  return createSmtpMailer({ url: SMTP_URL, from: MAIL_FROM });
}
