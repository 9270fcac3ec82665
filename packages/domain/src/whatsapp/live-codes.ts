/** What a phone links a session with. It is a secret for as long as it lives, so it is in Redis alone: in no table, event or log. */
export interface LiveCode {
  /** The text of a QR code, or the eight characters of a pairing code. */
  text: string;
  /** Of the codes of one attempt to link, from 1. */
  serial: number;
  /** ISO 8601 UTC. */
  expires_at: string;
}

export type LiveCodeKind = 'qr' | 'pairing';

/** The codes of sessions that are being linked: the worker puts them, the API reads them. */
export interface LiveCodes {
  /** Keeps it until it expires; the one before is gone. Throws when Redis is away. */
  put(kind: LiveCodeKind, session_id: string, code: LiveCode): Promise<void>;
  /** Null: there is none now. Throws when Redis is away. */
  read(kind: LiveCodeKind, session_id: string): Promise<LiveCode | null>;
  /** Both kinds. False: Redis is away, and they are gone when they expire. Never rejects. */
  forget(session_id: string): Promise<boolean>;
}
