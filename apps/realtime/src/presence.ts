/** How often a session that is still there says so again, also when nothing about it changes. */
export const REFRESH_MS = 10_000;
/** A session not heard of for this long is gone, whatever became of its replica. */
export const EXPIRY_MS = 25_000;
/** Sessions of other replicas and of HTTP that one room remembers. */
const MAX_REMOTE = 2_000;

interface Entry {
  frame: string;
  local: boolean;
  heard_at: number;
  /** When the frame, as it now stands, went out to other replicas; undefined when it has not. */
  published_at?: number;
  /** The same of the store that later joiners read. */
  stored_at?: number;
}

export const leftFrame = (session_id: string): string => JSON.stringify({ type: 'presence.left', session_id });

/**
 * Who is in a room and where: the latest frame of each session, those of this replica (local) and what others said. It
 * decides what has to be told to whom; its owner does the telling. Times are milliseconds since the epoch.
 *
 * Between replicas presence travels as lines of JSON, one frame each, so that many frames are one message and each goes
 * on to clients as it is.
 */
export class PresenceBook {
  readonly #entries = new Map<string, Entry>();
  readonly #left = new Map<string, number>();
  #leaving: string[] = [];
  #removed: string[] = [];

  /** The latest frames, for somebody who joins. */
  frames(): string[] {
    return [...this.#entries.values()].map(({ frame }) => frame);
  }

  /** A session of this replica moved. Only its latest frame is ever sent. */
  move(session_id: string, frame: string, now: number): void {
    this.#entries.set(session_id, { frame, local: true, heard_at: now });
  }

  /** A session of this replica is gone. */
  leave(session_id: string, now: number): void {
    if (!this.#entries.get(session_id)?.local) return;
    this.#entries.delete(session_id);
    this.#left.set(session_id, now);
    this.#leaving.push(leftFrame(session_id));
    this.#removed.push(session_id);
  }

  /** Frames of local sessions that nobody has heard yet, each session once: for the members here and for other replicas. */
  take(now: number): string[] {
    const frames = this.#leaving;
    this.#leaving = [];
    for (const entry of this.#entries.values()) {
      if (!entry.local || entry.published_at !== undefined) continue;
      entry.published_at = now;
      frames.push(entry.frame);
    }
    return frames;
  }

  /** Frames of local sessions that other replicas would otherwise soon believe gone. */
  refresh(now: number): string[] {
    const frames: string[] = [];
    for (const entry of this.#entries.values()) {
      if (!entry.local || entry.published_at === undefined || now - entry.published_at < REFRESH_MS) continue;
      entry.published_at = now;
      frames.push(entry.frame);
    }
    return frames;
  }

  /** What changed for local sessions since the last call, for the store that later joiners read. */
  changes(now: number): { set: Array<[session_id: string, frame: string]>; removed: string[] } {
    const set: Array<[string, string]> = [];
    for (const [session_id, entry] of this.#entries) {
      if (!entry.local || (entry.stored_at !== undefined && now - entry.stored_at < REFRESH_MS)) continue;
      entry.stored_at = now;
      set.push([session_id, entry.frame]);
    }
    const removed = this.#removed;
    this.#removed = [];
    return { set, removed };
  }

  /** Takes the lines of another replica (or the echo of our own) and returns the frames that are news to the members here. */
  receive(lines: string, now: number): string[] {
    return lines.split('\n').filter((line) => this.#receiveOne(line, now));
  }

  /** Forgets remote sessions that were not heard of for `EXPIRY_MS` and returns the frames that say so. */
  expire(now: number): string[] {
    const frames: string[] = [];
    for (const [session_id, { local, heard_at }] of this.#entries) {
      if (local || now - heard_at < EXPIRY_MS) continue;
      this.#entries.delete(session_id);
      frames.push(leftFrame(session_id));
    }
    for (const [session_id, left_at] of this.#left) if (now - left_at > EXPIRY_MS) this.#left.delete(session_id);
    return frames;
  }

  #receiveOne(line: string, now: number): boolean {
    const message = parseLine(line);
    if (!message) return false;
    const { type, session_id } = message;
    const known = this.#entries.get(session_id);
    // Our own echo, or that of a session that has just left here.
    if (known?.local || this.#left.has(session_id)) return false;
    if (type === 'presence.left') return this.#entries.delete(session_id);
    if (!known && this.#entries.size >= MAX_REMOTE) return false;
    this.#entries.set(session_id, { frame: line, local: false, heard_at: now });
    return known?.frame !== line;
  }
}

function parseLine(line: string): { type: 'presence' | 'presence.left'; session_id: string } | null {
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof message !== 'object' || message === null) return null;
  const { type, session_id } = message as Record<string, unknown>;
  if (typeof session_id !== 'string' || (type !== 'presence' && type !== 'presence.left')) return null;
  return { type, session_id };
}
