import { createRequire } from 'node:module';
import { Curve, generateSignalPubKey } from '@whiskeysockets/baileys';

/*
 * Three faults of the libraries, mended where they are used by everybody. To be imported before anything opens a session; each import
 * after the first does nothing.
 *
 * 1. `Curve.verify` of Baileys 7.0.0-rc14 answers true for any signature: it waits for an exception where libsignal returns false.
 * 2. `SessionCipher` of libsignal 6.0.0 tries a message with each session it knows, on the session itself: a try that fails has stepped
 *    that session's ratchet, and is stored when another one succeeds. Two people whose first messages cross lose each other so.
 * 3. libsignal writes whole sessions, with their private keys, to the console.
 */

interface SessionEntry {
  serialize(): object;
  indexInfo: { used: number };
}
interface SessionCipher {
  doDecryptWhisperMessage(data: Buffer, session: SessionEntry): Promise<Buffer>;
  decryptWithSessions(data: Buffer, sessions: SessionEntry[]): Promise<{ session: SessionEntry; plaintext: Buffer }>;
}
interface Libsignal {
  curve: { verifySignature(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean };
  SessionCipher: { prototype: SessionCipher };
}

// Of the same copy that Baileys uses, past the bindings of modules.
const require = createRequire(import.meta.url);
const libsignal = require('libsignal') as Libsignal;
const errors = require('libsignal/src/errors.js') as { SessionError: new (message: string) => Error };

Curve.verify = (key, message, signature) => {
  try {
    return libsignal.curve.verifySignature(generateSignalPubKey(key), message, signature);
  } catch {
    return false;
  }
};

libsignal.SessionCipher.prototype.decryptWithSessions = async function (data, sessions) {
  if (sessions.length === 0) throw new errors.SessionError('No sessions available');
  const failures: unknown[] = [];
  for (const session of sessions) {
    const before = JSON.stringify(session.serialize());
    try {
      const plaintext = await this.doDecryptWhisperMessage(data, session);
      session.indexInfo.used = Date.now();
      return { session, plaintext };
    } catch (error) {
      failures.push(error);
      restore(session, before);
    }
  }
  throw new errors.SessionError(`No matching sessions found for message: ${failures.map(messageOf).join('; ')}`);
};

function restore(session: SessionEntry, before: string): void {
  const entry = session.constructor as unknown as { deserialize(data: unknown): SessionEntry };
  const whole = entry.deserialize(JSON.parse(before));
  for (const name of Object.keys(session)) Reflect.deleteProperty(session, name);
  Object.assign(session, whole);
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : 'unknown');

/** What libsignal says of its sessions begins with one of these. */
const SPOKEN = [
  'Closing session',
  'Opening session',
  'Session already',
  'Removing old closed session',
  'Migrating session',
  'V1 session storage migration error',
  'Closing open session',
  'Decrypted message with closed session',
  'Failed to decrypt message with any known session',
  'Session error:',
  'Unhandled bucket type',
  'WARNING: Expected pubkey',
];

// The console is what it writes to, and what is taken from it.
/* eslint-disable no-console */
for (const level of ['log', 'info', 'warn', 'error'] as const) {
  const original = console[level].bind(console);
  console[level] = (...args: unknown[]) => {
    const [first] = args;
    if (typeof first === 'string' && SPOKEN.some((beginning) => first.startsWith(beginning))) return;
    original(...args);
  };
}
