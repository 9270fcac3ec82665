import type { PrintedMail } from './rules/mail-text.ts';

/** One mail, whole. Address and text as they are: the adapter encodes them. */
export interface Mail extends PrintedMail {
  to: string;
  /** What calendar programs read of it (RFC 6047): as a form of the mail beside its text, and as a file. */
  calendar?: MailCalendar;
}

export interface MailCalendar {
  /** Of `content`, which says it too. */
  method: 'REQUEST' | 'CANCEL';
  /** ICS. */
  content: string;
}

/** Sends mail. */
export interface Mailer {
  /**
   * Hands a mail over to the server that delivers it; `id` becomes its Message-ID, so that readers show one of two copies.
   * Throws `MailRefused` for what no retry mends, else AppError `mail.unavailable`.
   */
  send(mail: Mail & { id: string }): Promise<void>;
}

/** The server will never take this mail: the address does not exist, or its text is not wanted. The message says why. */
export class MailRefused extends Error {
  override readonly name = 'MailRefused';
}
