import { type Entry, Sequence } from './sequence.ts';
import { type ClientSocket, FrameGroup } from './socket.ts';

/** Where a member starts: everything up to `seq` of `epoch` is in `frames`. */
export interface Opening {
  epoch: string;
  seq: number;
  frames: string[];
}

export interface Member {
  readonly socket: ClientSocket;
  /**
   * Reads where this member starts, and what it is to be sent first: for a client that has just come (`first`), or for
   * one whose stream broke. Rejects when the member must not or cannot go on.
   */
  open(first: boolean): Promise<Opening>;
  /** `open` rejected: the member is out and has to be closed. */
  onFailed(error: unknown): void;
}

export interface FeedOptions {
  read: (after_seq: number, limit: number) => Promise<Entry[]>;
  onError: (error: unknown) => void;
  /** The stream broke and all members start again. */
  onLost: () => void;
}

/** What arrives between a member's registration and its opening. */
interface Joining {
  entries: Entry[];
  overflow: boolean;
}

const MAX_JOIN_BUFFER = 1_000;
/** Characters at the beginning of a frame that hold its epoch. */
const FRAME_HEAD = 160;
/** A member whose opening was overtaken by the stream reads another one; more often than this, something is wrong. */
const MAX_OPENINGS = 5;

/**
 * One numbered stream and those who follow it here: a canvas and its clients, or a person and their devices. Each member
 * gets its opening and then every later entry once, in order, whatever happens to Redis.
 *
 * A member is in one of three places: joining (its opening is being read, entries are kept for it), ahead (its opening
 * is newer than what this replica has seen, so entries pass it by until they catch up), live.
 */
export class Feed {
  readonly #options: FeedOptions;
  readonly #sequence: Sequence;
  readonly #joining = new Map<Member, Joining>();
  readonly #ahead = new Map<Member, number>();
  readonly #live = new Set<Member>();
  #epoch: string | undefined;
  #group: FrameGroup | undefined;
  #ephemeral: FrameGroup | undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#sequence = new Sequence({
      read: options.read,
      deliver: (entry) => this.#deliver(entry),
      onError: options.onError,
      onLost: () => this.#startOver(),
    });
  }

  get epoch(): string | undefined {
    return this.#epoch;
  }

  /** The last seq that was delivered here; undefined while nobody has started. */
  get position(): number | undefined {
    return this.#sequence.position;
  }

  /** Takes in a member: registers it first, reads its opening second, so that nothing falls between. Never rejects. */
  async join(member: Member): Promise<void> {
    await this.#admit(member, true);
  }

  /** Gives a member a fresh opening, as its client asked. */
  async restart(member: Member): Promise<void> {
    if (this.#joining.has(member)) return;
    this.leave(member);
    await this.#admit(member, false);
  }

  leave(member: Member): void {
    this.#joining.delete(member);
    if (this.#ahead.delete(member) || this.#live.delete(member)) this.#seal();
  }

  /** An entry from Redis, from this process or from anywhere. */
  receive(entry: Entry): void {
    this.#sequence.receive(entry);
  }

  /** What Postgres says of the stream right now. */
  observe(epoch: string, head: number): void {
    if (this.#epoch !== undefined && epoch !== this.#epoch) return this.#startOver();
    this.#sequence.observe(head);
  }

  /** Sends what is not numbered and may be lost to all members that have started. */
  broadcastEphemeral(frames: string[]): void {
    const members = [...this.#live, ...this.#ahead.keys()];
    if (frames.length === 0 || members.length === 0) return;
    const group = (this.#ephemeral = current(this.#ephemeral, true, members));
    for (const frame of frames) group.add(frame);
  }

  async #admit(member: Member, first: boolean): Promise<void> {
    for (let attempt = 0; attempt < MAX_OPENINGS; attempt += 1) {
      const joining: Joining = { entries: [], overflow: false };
      this.#joining.set(member, joining);
      let opening: Opening;
      try {
        opening = await member.open(first);
      } catch (error) {
        if (this.#joining.get(member) === joining) this.leave(member);
        member.onFailed(error);
        return;
      }
      if (this.#joining.get(member) !== joining) return;
      this.#adopt(opening);
      if (this.#connects(joining, opening.seq)) {
        this.#begin(member, joining, opening);
        return;
      }
    }
    this.leave(member);
    member.onFailed(new Error('the stream overtook every opening'));
  }

  /** The first opening says where the stream stands; a later one may know of more, or of a new epoch. */
  #adopt({ epoch, seq }: Opening): void {
    if (this.#epoch !== undefined && epoch !== this.#epoch) this.#startOver();
    this.#epoch = epoch;
    if (this.#sequence.position === undefined) this.#sequence.start(seq);
    else this.#sequence.observe(seq);
  }

  /** Whether the entries that were kept go on where the opening ends. */
  #connects(joining: Joining, seq: number): boolean {
    const position = this.#sequence.position;
    if (position === undefined) return false;
    if (position <= seq) return true;
    return !joining.overflow && joining.entries.some((entry) => entry.seq === seq + 1);
  }

  #begin(member: Member, joining: Joining, opening: Opening): void {
    this.#joining.delete(member);
    for (const frame of opening.frames) member.socket.send(frame);
    for (const { seq, frame } of joining.entries) if (seq > opening.seq) member.socket.send(frame);
    if (opening.seq > (this.#sequence.position ?? 0)) this.#ahead.set(member, opening.seq);
    else this.#live.add(member);
    this.#seal();
  }

  #deliver(entry: Entry): void {
    // Of another epoch: its number means something else than ours.
    if (this.#epoch === undefined || !entry.frame.slice(0, FRAME_HEAD).includes(this.#epoch)) return this.#startOver();
    if (this.#live.size > 0) {
      this.#group = current(this.#group, false, this.#live);
      this.#group.add(entry.frame);
    }
    for (const joining of this.#joining.values()) {
      if (joining.entries.length < MAX_JOIN_BUFFER) joining.entries.push(entry);
      else joining.overflow = true;
    }
    for (const [member, seq] of this.#ahead) {
      if (entry.seq < seq) continue;
      this.#ahead.delete(member);
      this.#live.add(member);
      this.#seal();
    }
  }

  /** The numbers no longer fit what the members have: everybody who had started takes a fresh opening. */
  #startOver(): void {
    const members = [...this.#live, ...this.#ahead.keys()];
    this.#live.clear();
    this.#ahead.clear();
    this.#seal();
    this.#epoch = undefined;
    this.#sequence.reset();
    // What was kept for those who are joining belongs to the numbers before.
    for (const joining of this.#joining.values()) joining.entries = [];
    this.#options.onLost();
    for (const member of members) void this.#admit(member, false);
  }

  #seal(): void {
    this.#group?.seal();
    this.#ephemeral?.seal();
  }
}

/** The turn's group, given to all `members` when it is new: adding to it then costs the same for any number of them. */
function current(group: FrameGroup | undefined, droppable: boolean, members: Iterable<Member>): FrameGroup {
  if (group && !group.sealed) return group;
  const fresh = new FrameGroup({ droppable });
  for (const member of members) member.socket.sendGroup(fresh);
  return fresh;
}
