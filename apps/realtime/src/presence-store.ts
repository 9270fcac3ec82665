import { deadline, type RedisClient } from '@potentia/domain/platform/adapters/redis';
import { EXPIRY_MS } from './presence.ts';

/** In the slot of the canvas's channel, so that a cluster keeps a canvas in one place. */
const keyOf = (canvas_id: string): string => `presence:{${canvas_id}}`;

/** What has changed in one room since the last write. */
export interface PresenceChanges {
  set: Array<[session_id: string, frame: string]>;
  removed: string[];
}

/**
 * The presence of each canvas in Redis, for a replica that opens a room which others have open already: a hash of session
 * to `expires_at frame`. An entry ends by its own time, so a dead replica leaves nothing behind; the hash ends with the last.
 */
export class PresenceStore {
  readonly #redis: RedisClient;
  readonly #timeout_ms: number;
  readonly #writing = new Set<string>();

  constructor(redis: RedisClient, timeout_ms: number) {
    this.#redis = redis;
    this.#timeout_ms = timeout_ms;
  }

  /** Whether a write for this room is under way: changes then wait for the next round. */
  busy(canvas_id: string): boolean {
    return this.#writing.has(canvas_id) || this.#redis.status !== 'ready';
  }

  /** Writes one room's changes in one round trip. Never rejects: presence may be lost. */
  async write(canvas_id: string, { set, removed }: PresenceChanges, now: number): Promise<void> {
    if (set.length === 0 && removed.length === 0) return;
    const key = keyOf(canvas_id);
    const pipeline = this.#redis.pipeline();
    if (set.length > 0) {
      const expires_at = now + EXPIRY_MS;
      pipeline.hset(key, Object.fromEntries(set.map(([session_id, frame]) => [session_id, `${expires_at} ${frame}`])));
      pipeline.pexpire(key, EXPIRY_MS);
    }
    if (removed.length > 0) pipeline.hdel(key, ...removed);
    this.#writing.add(canvas_id);
    try {
      await deadline(pipeline.exec(), this.#timeout_ms);
    } catch {
      // The next refresh writes them again.
    } finally {
      this.#writing.delete(canvas_id);
    }
  }

  /** The presence of a canvas as lines, or nothing when Redis does not answer in time. */
  async read(canvas_id: string, now: number): Promise<string> {
    try {
      const entries = await deadline(this.#redis.hvals(keyOf(canvas_id)), this.#timeout_ms);
      return entries
        .flatMap((entry) => (Number.parseInt(entry, 10) > now ? [entry.slice(entry.indexOf(' ') + 1)] : []))
        .join('\n');
    } catch {
      return '';
    }
  }
}
