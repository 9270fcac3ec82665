import { inSpan, withTraceparent } from '@potentia/config/telemetry';
import { getUserHeads } from '@potentia/db/auth/queries';
import { getCanvasHeads } from '@potentia/db/canvas/queries';
import type { Db } from '@potentia/db/client';
import type { Subscriber } from '@potentia/domain/platform/adapters/redis-bus';
import type { Bus, BusMessage } from '@potentia/domain/platform/bus';
import { AccessChecks } from './access-checks.ts';
import { CanvasSession } from './canvas-session.ts';
import { MeSession, Person } from './me.ts';
import type { PresenceStore } from './presence-store.ts';
import { Room } from './room.ts';
import { Semaphore } from './semaphore.ts';
import type { Connection, Identity, SessionDeps } from './session.ts';
import { WorkspaceRooms } from './workspace-rooms.ts';

/**
 * How often all rooms are compared with Postgres. Together with the query and the check of access it stays under the two
 * seconds in which a change of access reaches open sockets, also while Redis is away.
 */
const POLL_MS = { min: 1_200, max: 1_500 };
const TICK_MS = 1_000;
/** Snapshots and access checks read at once; the rest of the pool is left to mutations and gaps. */
const CONCURRENT_READS = 6;

export interface HubDeps extends SessionDeps {
  replica_id: string;
  db: Db;
  /** To the other replicas. */
  remote_bus: Bus;
  subscriber: Pick<Subscriber, 'subscribe' | 'unsubscribe'>;
  store: PresenceStore;
}

/** What has a channel. */
type Target = Room | Person | WorkspaceRooms;

interface Open<T> {
  value: T;
  /** Settles when the channel is subscribed, or cannot be for now: then the poll carries. */
  subscribed: Promise<unknown>;
}

/** One replica: its rooms, its people, and how it keeps level with Postgres whatever Redis does. */
export class Hub {
  /**
   * What verbs that run in this process publish to: applied here at once, since Redis may be slow or away, and sent to the
   * others. The echo from Redis is then a duplicate like any other.
   */
  readonly bus: Bus;
  readonly #deps: HubDeps;
  readonly #reads = new Semaphore(CONCURRENT_READS);
  readonly #access: AccessChecks;
  readonly #rooms = new Map<string, Open<Room>>();
  readonly #people = new Map<string, Open<Person>>();
  /** Of the open rooms. */
  readonly #workspaces = new Map<string, Open<WorkspaceRooms>>();
  #draining = false;
  #poll_timer: NodeJS.Timeout | undefined;
  #tick_timer: NodeJS.Timeout | undefined;
  #polls_fail = false;

  constructor(deps: HubDeps) {
    this.#deps = deps;
    this.#access = new AccessChecks({ ...deps, reads: this.#reads });
    this.bus = {
      publish: (channel, message) => {
        this.#route(channel, message, 'local');
        deps.remote_bus.publish(channel, message);
      },
    };
  }

  get draining(): boolean {
    return this.#draining;
  }

  count(): { canvas: number; me: number; rooms: number } {
    return { canvas: sum(this.#rooms), me: sum(this.#people), rooms: this.#rooms.size };
  }

  start(): void {
    this.#tick_timer = setInterval(() => this.#tick(), TICK_MS);
    this.#schedulePoll();
  }

  /** Takes in a client whose handshake was accepted. */
  async connectCanvas(identity: Identity, connection: Connection, canvas: CanvasAddress): Promise<void> {
    const { value: room, subscribed } = this.#rooms.get(canvas.canvas_id) ?? this.#openRoom(canvas);
    await room.join(new CanvasSession(room, this.#deps, identity, connection), subscribed);
  }

  async connectMe(identity: Identity, connection: Connection): Promise<void> {
    const { value: person, subscribed } = this.#people.get(identity.claims.user_id) ?? this.#openPerson(identity);
    await person.join(new MeSession(person, this.#deps, identity, connection), subscribed);
  }

  /** A message from Redis. */
  receive(channel: string, message: BusMessage): void {
    this.#route(channel, message, 'redis');
  }

  /** Compares every room and person here with Postgres. Never rejects. */
  async poll(): Promise<void> {
    const done = this.#deps.metrics.poll.startTimer();
    try {
      await Promise.all([this.#pollRooms(), this.#pollPeople()]);
      if (this.#polls_fail) this.#deps.log.info('rooms are compared with Postgres again');
      this.#polls_fail = false;
    } catch (err) {
      if (!this.#polls_fail) this.#deps.log.warn({ err }, 'rooms cannot be compared with Postgres');
      this.#polls_fail = true;
    }
    done();
  }

  /**
   * Sends every client elsewhere: frames under way are finished and answered, then each socket closes with 4200. Spreading
   * the closes over a time, with a retry time of its own in each reason, belongs into this loop.
   */
  async drain(): Promise<void> {
    this.#draining = true;
    clearTimeout(this.#poll_timer);
    clearInterval(this.#tick_timer);
    await Promise.all([...this.#sessions()].map((session) => session.drain()));
  }

  #openRoom({ canvas_id, workspace_id }: CanvasAddress): Open<Room> {
    const { subscriber } = this.#deps;
    const room: Room = new Room(canvas_id, workspace_id, {
      ...this.#deps,
      reads: this.#reads,
      access: this.#access,
      onEmpty: () => {
        this.#close(this.#rooms, canvas_id, room);
        workspace.value.remove(room);
      },
    });
    const workspace = this.#workspaces.get(workspace_id) ?? this.#openWorkspace(workspace_id);
    workspace.value.add(room);
    const subscribed = Promise.all([subscriber.subscribe(room.channel), workspace.subscribed, room.loadPresence()]);
    const open = { value: room, subscribed };
    this.#rooms.set(canvas_id, open);
    return open;
  }

  #openWorkspace(workspace_id: string): Open<WorkspaceRooms> {
    const rooms: WorkspaceRooms = new WorkspaceRooms(workspace_id, {
      onEmpty: () => this.#close(this.#workspaces, workspace_id, rooms),
    });
    const open = { value: rooms, subscribed: this.#deps.subscriber.subscribe(rooms.channel) };
    this.#workspaces.set(workspace_id, open);
    return open;
  }

  #openPerson({ claims: { user_id } }: Identity): Open<Person> {
    const person: Person = new Person(user_id, {
      ...this.#deps,
      onEmpty: () => this.#close(this.#people, user_id, person),
    });
    const open = { value: person, subscribed: this.#deps.subscriber.subscribe(person.channel) };
    this.#people.set(user_id, open);
    return open;
  }

  #close<T extends Target>(all: Map<string, Open<T>>, id: string, value: T): void {
    if (all.get(id)?.value !== value) return;
    all.delete(id);
    this.#deps.subscriber.unsubscribe(value.channel);
  }

  #route(channel: string, message: BusMessage, source: 'local' | 'redis'): void {
    const target = this.#find(channel);
    if (!target) return;
    if (message.kind === 'event') this.#deps.metrics.events.inc({ source });
    if (source === 'local' || !message.traceparent) return target.receive(message);
    withTraceparent(message.traceparent, () => {
      const attributes = { channel, seq: message.seq, replica_id: this.#deps.replica_id };
      inSpan('hub.deliver', attributes, async () => target.receive(message)).catch((err: unknown) => {
        this.#deps.log.error({ err, channel }, 'a message could not be delivered');
      });
    });
  }

  /** Channels are `canvas:{id}`, `me:{id}` and `workspace:{id}`. */
  #find(channel: string): Target | undefined {
    const at = channel.indexOf('{');
    const id = channel.slice(at + 1, -1);
    switch (channel.slice(0, at)) {
      case 'canvas:':
        return this.#rooms.get(id)?.value;
      case 'me:':
        return this.#people.get(id)?.value;
      case 'workspace:':
        return this.#workspaces.get(id)?.value;
      default:
        return undefined;
    }
  }

  async #pollRooms(): Promise<void> {
    const rooms = [...this.#rooms.values()].map((open) => open.value);
    if (rooms.length === 0) return;
    const rows = await getCanvasHeads(
      this.#deps.db,
      rooms.map((room) => room.canvas_id),
    );
    const heads = new Map(rows.map((row) => [row.canvas_id, row]));
    for (const room of rooms) room.observe(heads.get(room.canvas_id));
  }

  async #pollPeople(): Promise<void> {
    const people = [...this.#people.values()].map((open) => open.value);
    if (people.length === 0) return;
    const rows = await getUserHeads(
      this.#deps.db,
      people.map((person) => person.user_id),
    );
    const heads = new Map(rows.map((row) => [row.user_id, row]));
    for (const person of people) person.observe(heads.get(person.user_id));
  }

  #schedulePoll(): void {
    if (this.#draining) return;
    const wait = POLL_MS.min + Math.random() * (POLL_MS.max - POLL_MS.min);
    this.#poll_timer = setTimeout(() => void this.poll().then(() => this.#schedulePoll()), wait);
  }

  #tick(): void {
    const now = Date.now();
    for (const { value } of this.#rooms.values()) value.tick(now);
    for (const { value } of this.#people.values()) value.tick(now);
  }

  *#sessions(): Generator<{ drain(): Promise<void> }> {
    for (const { value } of this.#rooms.values()) yield* value.sessions;
    for (const { value } of this.#people.values()) yield* value.sessions;
  }
}

export interface CanvasAddress {
  canvas_id: string;
  workspace_id: string;
}

function sum(all: Map<string, Open<Room | Person>>): number {
  let sessions = 0;
  for (const { value } of all.values()) sessions += value.sessions.size;
  return sessions;
}
