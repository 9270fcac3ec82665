/**
 * Whether an error was made in the WhatsApp client, or by its libraries for it: it starts work that nobody waits for, and what becomes of
 * that in one session must not end the others.
 */
export const isOfClient = (error: unknown): boolean =>
  error instanceof Error &&
  ('isBoom' in error || /node_modules\/(?:@whiskeysockets\/baileys|libsignal)\//.test(error.stack ?? ''));
