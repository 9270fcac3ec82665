import type { Logger } from '@potentia/config/logger';
import { getCanvasEvents } from '@potentia/db/canvas/queries';
import type { Db } from '@potentia/db/client';
import { DbError } from '@potentia/db/errors';
import { getSnapshot } from '@potentia/domain/canvas/get-snapshot';
import type { CanvasRole } from '@potentia/domain/canvas/rules/roles';
import { type Bus, type BusMessage, canvasChannel } from '@potentia/domain/platform/bus';
import type { UserCtx } from '@potentia/domain/platform/ctx';
import { newId } from '@potentia/domain/platform/uuid';
import type { AccessChecks, CanvasAccess } from './access-checks.ts';
import { Feed, type Member } from './feed.ts';
import type { CloseReason } from './frames.ts';
import type { HubMetrics } from './metrics.ts';
import type { PresenceStore } from './presence-store.ts';
import { PresenceBook } from './presence.ts';
import type { Semaphore } from './semaphore.ts';
import type { Entry } from './sequence.ts';

/** Presence of one room is told at most this often (30 times a second looks like motion). */
const PRESENCE_TICK_MS = 33;

export interface RoomDeps {
  db: Db;
  /** Other replicas; what happens here is applied here directly. */
  remote_bus: Bus;
  store: PresenceStore;
  metrics: HubMetrics;
  log: Logger;
  /** Bounds the snapshots and access checks that are read at once, so that a crowd cannot take every connection. */
  reads: Semaphore;
  access: AccessChecks;
  createCtx(user_id: string, request_id: string): UserCtx;
  onEmpty(room: Room): void;
}

/** A client as its room sees it. */
export interface RoomSession extends Member {
  readonly session_id: string;
  readonly user_id: string;
  tick(now: number): void;
  /** The access of this session's person was read again. */
  applyAccess(access: { role: CanvasRole | null; archived_at: string | null }): void;
  close(reason: CloseReason): void;
  drain(): Promise<void>;
}

/** A snapshot as Postgres made it, with the few things that the hub must know of it. */
export interface RoomSnapshot {
  canvas_id: string;
  role: CanvasRole;
  archived_at: string | null;
  epoch: string;
  seq: number;
  text: string;
}

/** What the poll reads of every room. */
export interface RoomHead {
  epoch: string;
  seq: number;
  access_version: number;
}

/** One canvas and its clients on this replica. */
export class Room {
  readonly canvas_id: string;
  readonly workspace_id: string;
  readonly feed: Feed;
  /** How often access was read again. */
  rechecks = 0;
  readonly #deps: RoomDeps;
  readonly #sessions = new Set<RoomSession>();
  readonly #book = new PresenceBook();
  #presence_timer: NodeJS.Timeout | undefined;
  /** Undefined until the first poll, and whenever a check is owed: then the next poll checks everybody. */
  #access_version: number | undefined;

  constructor(canvas_id: string, workspace_id: string, deps: RoomDeps) {
    this.canvas_id = canvas_id;
    this.workspace_id = workspace_id;
    this.#deps = deps;
    this.feed = new Feed({
      read: (after_seq, limit) => this.#readEvents(after_seq, limit),
      onError: (err) => deps.log.warn({ err, canvas_id }, 'a gap could not be read'),
      onLost: () => deps.metrics.lost.inc({ stream: 'canvas' }),
    });
  }

  get sessions(): ReadonlySet<RoomSession> {
    return this.#sessions;
  }

  get channel(): string {
    return canvasChannel(this.canvas_id);
  }

  /** Takes a client in, once `subscribed` has settled: what it reads then is older than what the channel brings. */
  async join(session: RoomSession, subscribed: Promise<unknown>): Promise<void> {
    this.#sessions.add(session);
    await subscribed;
    if (this.#sessions.has(session)) await this.feed.join(session);
  }

  leave(session: RoomSession): void {
    if (!this.#sessions.delete(session)) return;
    this.feed.leave(session);
    this.#book.leave(session.session_id, Date.now());
    if (this.#sessions.size > 0) return this.#schedulePresence();
    clearTimeout(this.#presence_timer);
    this.#tellPresence();
    void this.#deps.store.write(this.canvas_id, this.#book.changes(Date.now()), Date.now());
    this.#deps.onEmpty(this);
  }

  /** A message from another replica, from the API or from a verb that ran here. */
  receive(message: BusMessage): void {
    switch (message.kind) {
      case 'event':
        if (message.seq !== undefined) this.feed.receive({ seq: message.seq, frame: message.frame });
        return;
      case 'presence':
        return this.feed.broadcastEphemeral(this.#book.receive(message.frame, Date.now()));
      case 'access':
        return void this.recheck(message.user_id);
      case 'deleted':
        return this.closeDeleted();
    }
  }

  /** What Postgres says now; `undefined`: there is no such canvas any more. */
  observe(head: RoomHead | undefined): void {
    if (!head) return this.closeDeleted();
    this.feed.observe(head.epoch, head.seq);
    if (head.access_version === this.#access_version) return;
    this.#access_version = head.access_version;
    void this.recheck();
  }

  closeDeleted(): void {
    for (const session of this.#sessions) session.close('canvas_deleted');
  }

  /** Reads the access of one person, or of all here, and tells or closes their sessions. Never rejects. */
  async recheck(user_id?: string): Promise<void> {
    this.rechecks += 1;
    const here = new Set([...this.#sessions].map((session) => session.user_id));
    const people = user_id === undefined ? here : here.has(user_id) ? new Set([user_id]) : new Set<string>();
    if (people.size === 0) return;
    try {
      this.#apply(await this.#deps.access.read(this.canvas_id, people), user_id === undefined);
    } catch (error) {
      this.#access_version = undefined;
      this.#deps.log.warn({ err: error, canvas_id: this.canvas_id }, 'access could not be checked again');
    }
  }

  /** Reads the snapshot of one person. Throws as `getSnapshot`. */
  async readSnapshot(user_id: string): Promise<RoomSnapshot> {
    const { canvas_id } = this;
    const ctx = this.#deps.createCtx(user_id, newId());
    return parseSnapshot(canvas_id, await this.#deps.reads.run(() => getSnapshot(ctx, { canvas_id })));
  }

  /** The snapshot as its client gets it: with everybody's presence as of this very moment. */
  snapshotFrame({ text }: RoomSnapshot): string {
    return `{"type":"snapshot",${text.slice(1, -1)},"presence":[${this.#book.frames().join(',')}]}`;
  }

  /** Learns who is here on other replicas, for a room that has just opened. */
  async loadPresence(): Promise<void> {
    const now = Date.now();
    this.feed.broadcastEphemeral(this.#book.receive(await this.#deps.store.read(this.canvas_id, now), now));
  }

  /** A client here moved. */
  move(session_id: string, frame: object): void {
    this.#book.move(session_id, JSON.stringify(frame), Date.now());
    this.#schedulePresence();
  }

  /** Called once a second: keeps presence alive elsewhere, ends what has expired, stores what has changed. */
  tick(now: number): void {
    for (const session of this.#sessions) session.tick(now);
    this.feed.broadcastEphemeral(this.#book.expire(now));
    this.#publishPresence(this.#book.refresh(now));
    const { store } = this.#deps;
    if (!store.busy(this.canvas_id)) void store.write(this.canvas_id, this.#book.changes(now), now);
  }

  /** Sessions that came meanwhile too: their snapshot may be older than this answer. */
  #apply(access: CanvasAccess, of_all: boolean): void {
    if (access.size === 0) return this.closeDeleted();
    for (const session of this.#sessions) {
      const row = access.get(session.user_id);
      if (row) session.applyAccess(row);
    }
    // Then the poll has nothing to check again.
    if (of_all) this.#access_version = [...access.values()][0]?.access_version;
  }

  /** Reads as one of the members, whoever still may: an empty answer makes everybody start again. */
  async #readEvents(after_seq: number, limit: number): Promise<Entry[]> {
    const { db, metrics } = this.#deps;
    const { canvas_id } = this;
    metrics.fills.inc({ stream: 'canvas' });
    for (const user_id of new Set([...this.#sessions].map((session) => session.user_id))) {
      try {
        const entries = await getCanvasEvents(db, { user_id, canvas_id, after_seq, limit });
        metrics.events.inc({ source: 'fill' }, entries.length);
        return entries;
      } catch (error) {
        if (!(error instanceof DbError)) throw error;
        if (error.code === 'canvas.events_gone') return [];
        if (error.kind !== 'not_found') throw error;
        void this.recheck(user_id);
      }
    }
    return [];
  }

  #schedulePresence(): void {
    this.#presence_timer ??= setTimeout(() => this.#tellPresence(), PRESENCE_TICK_MS);
  }

  #tellPresence(): void {
    this.#presence_timer = undefined;
    const frames = this.#book.take(Date.now());
    this.feed.broadcastEphemeral(frames);
    this.#publishPresence(frames);
  }

  #publishPresence(frames: string[]): void {
    if (frames.length > 0) this.#deps.remote_bus.publish(this.channel, { kind: 'presence', frame: frames.join('\n') });
  }
}

/**
 * Finds what the hub must know in the text of a snapshot, `{"canvas":{…},"epoch":"…","seq":…,"blocks":[…]}`, without
 * parsing the blocks: the first unescaped `,"epoch":"` ends the canvas, since no quote within a string is unescaped.
 */
export function parseSnapshot(canvas_id: string, text: string): RoomSnapshot {
  const match = /^\{"canvas":(.*?),"epoch":"([0-9a-f-]{36})","seq":(\d+),"blocks":\[/s.exec(text);
  const [, canvas, epoch, seq] = match ?? [];
  if (canvas === undefined || epoch === undefined) throw new Error('a snapshot of an unknown form');
  const { role, archived_at } = JSON.parse(canvas) as { role: CanvasRole; archived_at: string | null };
  return { canvas_id, role, archived_at, epoch, seq: Number(seq), text };
}
