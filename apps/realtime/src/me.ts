import type { Logger } from '@potentia/config/logger';
import { getUserEvents, getUserHeads } from '@potentia/db/auth/queries';
import type { Db } from '@potentia/db/client';
import { type BusMessage, meChannel } from '@potentia/domain/platform/bus';
import { fromDb } from '@potentia/domain/platform/db-errors';
import { Feed, type Opening } from './feed.ts';
import { MAX_FRAME_BYTES, type MeFrame, meFrameSchema, PROTOCOL_VERSION } from './frames.ts';
import type { HubMetrics } from './metrics.ts';
import { type Connection, type Identity, Session, type SessionDeps } from './session.ts';

export interface PersonDeps {
  db: Db;
  metrics: HubMetrics;
  log: Logger;
  onEmpty(person: Person): void;
}

export interface PersonHead {
  epoch: string;
  seq: number;
}

/** One person and their devices on this replica: what `/ws/me` delivers, in the order of their own sequence. */
export class Person {
  readonly user_id: string;
  readonly feed: Feed;
  readonly #deps: PersonDeps;
  readonly #sessions = new Set<MeSession>();

  constructor(user_id: string, deps: PersonDeps) {
    this.user_id = user_id;
    this.#deps = deps;
    this.feed = new Feed({
      read: async (after_seq, limit) => {
        deps.metrics.fills.inc({ stream: 'me' });
        const entries = await getUserEvents(deps.db, { user_id, after_seq, limit });
        deps.metrics.events.inc({ source: 'fill' }, entries.length);
        return entries;
      },
      onError: (err) => deps.log.warn({ err, user_id }, 'a gap could not be read'),
      onLost: () => deps.metrics.lost.inc({ stream: 'me' }),
    });
  }

  get sessions(): ReadonlySet<MeSession> {
    return this.#sessions;
  }

  get channel(): string {
    return meChannel(this.user_id);
  }

  /** Takes a device in, once `subscribed` has settled. */
  async join(session: MeSession, subscribed: Promise<unknown>): Promise<void> {
    this.#sessions.add(session);
    await subscribed;
    if (this.#sessions.has(session)) await this.feed.join(session);
  }

  leave(session: MeSession): void {
    if (!this.#sessions.delete(session)) return;
    this.feed.leave(session);
    if (this.#sessions.size === 0) this.#deps.onEmpty(this);
  }

  receive({ kind, seq, frame }: BusMessage): void {
    if (kind === 'event' && seq !== undefined) this.feed.receive({ seq, frame });
    // What an answer says as it comes: shown by whoever keeps up, since the whole of it is stored.
    // So is a code to link an account with: whoever comes later reads it by themselves.
    else if (kind === 'agent' || kind === 'whatsapp') this.feed.broadcastEphemeral([frame]);
  }

  /** What Postgres says now; `undefined`: there is no such person any more. */
  observe(head: PersonHead | undefined): void {
    if (head) return this.feed.observe(head.epoch, head.seq);
    for (const session of this.#sessions) session.close('access_lost');
  }

  /** Where the sequence stands now. Throws `unavailable`. */
  async readHead(): Promise<PersonHead> {
    const [head] = await fromDb(() => getUserHeads(this.#deps.db, [this.user_id]));
    if (!head) throw new Error(`user ${this.user_id} has no event head`);
    return head;
  }

  tick(now: number): void {
    for (const session of this.#sessions) session.tick(now);
  }
}

/** A client of `/ws/me`. */
export class MeSession extends Session<MeFrame> {
  protected readonly schema = meFrameSchema;
  /** What is a person's own is counted for that person. */
  protected readonly workspace_id = null;
  readonly #person: Person;

  constructor(person: Person, deps: SessionDeps, identity: Identity, connection: Connection) {
    super(deps, identity, connection);
    this.#person = person;
  }

  /** A second hello on the same socket means that events were skipped: the client reads afresh what it shows. */
  async open(): Promise<Opening> {
    const { epoch, seq } = await this.#person.readHead();
    const hello = {
      type: 'hello',
      protocol: PROTOCOL_VERSION,
      session_id: this.session_id,
      server_time: new Date().toISOString(),
      user_id: this.user_id,
      epoch,
      seq,
      limits: { max_frame_bytes: MAX_FRAME_BYTES },
      ping_interval_ms: this.deps.ping_interval_ms,
    };
    if (this.state === 'joining') this.state = 'live';
    return { epoch, seq, frames: [JSON.stringify(hello)] };
  }

  protected handle(frame: MeFrame): Promise<void> {
    return this.handleCommon(frame);
  }

  protected onClosed(): void {
    this.#person.leave(this);
  }
}
