import { randomUUID } from 'node:crypto';
import { type Attachment, simpleParser } from 'mailparser';
import { SMTPServer, type SMTPServerDataStream } from 'smtp-server';
import type { MailStore } from './store.ts';

export interface MailServer {
  /** Binds the port (0: any free one) and returns the URL. */
  listen(port: number, host: string): Promise<string>;
  close(): Promise<void>;
}

const MAX_BYTES = 10_485_760;

/**
 * A mail server that takes everything and delivers nothing: who looks finds it in the inbox. Two addresses behave as real
 * ones do on bad days: `reject…@` does not exist (550), and `defer…@` is put off at its first attempt (451).
 */
export function createMailServer(store: MailStore): MailServer {
  const deferred = new Set<string>();
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    size: MAX_BYTES,
    disableReverseLookup: true,
    closeTimeout: 500,
    onRcptTo({ address }, _session, done) {
      done(refusalOf(address.toLowerCase(), deferred));
    },
    onData(stream, session, done) {
      const to = session.envelope.rcptTo.map(({ address }) => address.toLowerCase());
      receive(stream, to, store).then(
        () => done(),
        (error: unknown) => done(error as Error),
      );
    },
  });
  // A client that hangs up is no news.
  server.on('error', () => undefined);
  return {
    listen: (port, host) =>
      new Promise((resolve, reject) => {
        server.server.once('error', reject);
        server.listen(port, host, () => {
          const address = server.server.address();
          const bound = typeof address === 'object' && address ? address.port : port;
          resolve(`smtp://${host === '0.0.0.0' ? '127.0.0.1' : host}:${String(bound)}`);
        });
      }),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function refusalOf(address: string, deferred: Set<string>): Error | undefined {
  const refuse = (responseCode: number, message: string): Error => Object.assign(new Error(message), { responseCode });
  if (address.startsWith('reject')) return refuse(550, `5.1.1 <${address}>: no such mailbox`);
  if (address.startsWith('defer') && !deferred.has(address)) {
    deferred.add(address);
    return refuse(451, `4.7.1 <${address}>: greylisted, try again later`);
  }
  return undefined;
}

async function receive(stream: SMTPServerDataStream, to: string[], store: MailStore): Promise<void> {
  const parsed = await simpleParser(stream, { skipTextToHtml: true, skipImageLinks: true });
  if (stream.sizeExceeded) throw Object.assign(new Error('5.3.4 message too big'), { responseCode: 552 });
  await store.add({
    id: randomUUID(),
    to,
    from: parsed.from?.text ?? '',
    subject: parsed.subject ?? '',
    message_id: parsed.messageId ?? null,
    text: parsed.text ?? '',
    html: parsed.html === false ? null : parsed.html,
    calendar: calendarOf(parsed.attachments),
    received_at: new Date().toISOString(),
  });
}

/** The part that a calendar program takes as a message (RFC 6047), not the file beside it. */
function calendarOf(attachments: Attachment[]): { method: string; content: string } | null {
  const part = attachments.find(({ contentType }) => contentType === 'text/calendar');
  if (!part) return null;
  const content = part.content.toString('utf8');
  return { method: /^METHOD:(\w+)/m.exec(content)?.[1] ?? '', content };
}
