import { createTransport } from 'nodemailer';
import { AppError } from '../errors.ts';
import { type Mailer, MailRefused } from '../mail.ts';

export interface SmtpOptions {
  /** `smtp://` (STARTTLS where the server offers it) or `smtps://`, with user and password where it wants them. */
  url: string;
  /** `Name <address>`. */
  from: string;
}

const CONNECT_MS = 5_000;
/** Milliseconds without a byte from the server; a server may think about a mail for a while. */
const SILENCE_MS = 20_000;
/** Milliseconds for one mail, waiting for a connection of the pool included. */
const SEND_MS = 30_000;

/** A mailer on a pool of SMTP connections (RFC 5321). `close` lets go of them. */
export function createSmtpMailer({ url, from }: SmtpOptions): Mailer & { close(): void } {
  const transport = createTransport({
    url,
    pool: true,
    maxConnections: 5,
    maxMessages: 100,
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
    // What a mail says comes from people: it never makes the service read a file or a URL.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  transport.on('error', () => undefined);
  const domain = /@([^@>\s]+)>?\s*$/.exec(from)?.[1] ?? 'localhost';

  return {
    async send({ id, to, subject, text, html, calendar }) {
      const message = {
        from,
        // As an object, so that no part of it is read as another address.
        to: { name: '', address: to },
        subject,
        text,
        html,
        ...(calendar && { icalEvent: { ...calendar, filename: 'invite.ics' } }),
        messageId: `<${id}@${domain}>`,
        headers: { 'Auto-Submitted': 'auto-generated' },
      };
      try {
        await before(SEND_MS, transport.sendMail(message));
      } catch (error) {
        throw mapSmtpError(error);
      }
    },
    close: () => transport.close(),
  };
}

interface SmtpError extends Error {
  code?: string;
  responseCode?: number;
}

/**
 * A 5xx to the address or to the text is final (RFC 5321 4.2.1). Any other, such as one to our own login, is about the
 * server or our account with it, and a later attempt may succeed.
 */
function mapSmtpError(error: unknown): Error {
  const { code, responseCode = 0, message } = error as SmtpError;
  if (responseCode >= 500 && (code === 'EENVELOPE' || code === 'EMESSAGE')) {
    return new MailRefused(message, { cause: error });
  }
  return new AppError(
    'unavailable',
    'mail.unavailable',
    `The mail server does not take mail now: ${message}`,
    {},
    {
      cause: error,
    },
  );
}

async function before<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
