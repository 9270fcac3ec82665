import * as libsignal from 'libsignal';

/** A session with one device of somebody, as libsignal keeps it. */
export interface Session {
  indexInfo: { closed: number; used: number };
}

interface Internals {
  sessions: Record<string, Session>;
  getSession(base_key: Buffer): Session | undefined;
  getSessions(): Session[];
  getOpenSession(): Session | undefined;
  haveOpenSession(): boolean;
  isClosed(session: Session): boolean;
  serialize(): object;
}

interface InternalsClass {
  new (): Internals;
  deserialize(data: object): Internals;
}

const Base = libsignal.SessionRecord as unknown as InternalsClass;
const MAX_SESSIONS = 40;

/** libsignal's record of sessions, without what libsignal prints: it writes whole sessions, keys and all, to the console. */
export class SessionRecord extends Base {
  static copyOf(stored: object | undefined): SessionRecord {
    return stored ? (this.deserialize(stored) as unknown as SessionRecord) : new SessionRecord();
  }

  /** Whoever asks for a session by its base key and gets none opens a new one, and warns when another is open. */
  override getSession(base_key: Buffer): Session | undefined {
    const session = super.getSession(base_key);
    const open = session ? undefined : this.getOpenSession();
    if (open) this.closeSession(open);
    return session;
  }

  closeSession(session: Session): void {
    if (!this.isClosed(session)) session.indexInfo.closed = Date.now();
  }

  removeOldSessions(): void {
    const closed = Object.entries(this.sessions)
      .filter(([, session]) => this.isClosed(session))
      .sort(([, a], [, b]) => a.indexInfo.closed - b.indexInfo.closed);
    const surplus = Math.max(0, Object.keys(this.sessions).length - MAX_SESSIONS);
    for (const [key] of closed.slice(0, surplus)) Reflect.deleteProperty(this.sessions, key);
  }
}
