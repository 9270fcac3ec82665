import { type Group, takeGroups } from '@potentia/db/wa/inbound-queries';
import type { Db } from '@potentia/db/client';
import { isPerson, personOfAll, roomOf } from '@potentia/domain/whatsapp/rules/jid';
import type { GroupMetadata, GroupParticipant, WASocket } from '@whiskeysockets/baileys';
import { LRUCache } from 'lru-cache';
import { cleanText, cutText } from './clean.ts';
import type { HeldSession } from '../session/parts.ts';

/** Groups of one session that are kept in memory. */
const MAX_GROUPS = 200;
const HOUR_MS = 3_600_000;
/** Changes of a group come in bursts: it is asked for once. */
const SETTLE_MS = 1_000;
/** Groups to be asked for, of one session. More than that are asked for when they are written to. */
const MAX_WAITING = 500;

/**
 * What a session knows of its groups. Baileys asks for the members each time that it sends to a group, unless it is told them; and
 * whoever reads a group's messages wants its name.
 */
export class Groups {
  readonly #db: Db;
  readonly #held: HeldSession;
  readonly #known = new LRUCache<string, GroupMetadata>({ max: MAX_GROUPS, ttl: HOUR_MS });
  readonly #waiting = new Set<string>();
  /** Asked for once by this socket, whatever was answered. */
  readonly #asked = new Set<string>();
  #sock: WASocket | null = null;
  #timer: NodeJS.Timeout | undefined;
  #is_asking = false;

  constructor(db: Db, held: HeldSession) {
    this.#db = db;
    this.#held = held;
  }

  /** Of a new socket: what changed while there was none is told by it. */
  onSocket(sock: WASocket): void {
    this.#sock = sock;
    this.#asked.clear();
    sock.ev.on('groups.upsert', (groups) => void this.#keep(groups));
    sock.ev.on('groups.update', (changes) => changes.forEach(({ id }) => id && this.changed(id)));
    sock.ev.on('group-participants.update', ({ id }) => this.changed(id));
  }

  onClosed(): void {
    this.#sock = null;
    this.#known.clear();
    this.#waiting.clear();
    clearTimeout(this.#timer);
  }

  /** The option of Baileys of this name. */
  readonly cached = async (jid: string): Promise<GroupMetadata | undefined> => {
    const known = this.#known.get(jid);
    if (known || !this.#sock) return known;
    const found = await this.#sock.groupMetadata(jid);
    void this.#keep([found]);
    return found;
  };

  /** Something of the group is not as it was. */
  changed(jid: string): void {
    this.#known.delete(jid);
    this.#ask(jid);
  }

  /** A message of this group has come. */
  met(jid: string): void {
    if (this.#asked.has(jid) || this.#known.has(jid)) return;
    this.#asked.add(jid);
    this.#ask(jid);
  }

  #ask(jid: string): void {
    if (this.#waiting.size >= MAX_WAITING) return;
    this.#waiting.add(jid);
    if (this.#is_asking) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#askAll(), SETTLE_MS);
    this.#timer.unref();
  }

  /** One after the other: WhatsApp counts questions. */
  async #askAll(): Promise<void> {
    this.#is_asking = true;
    for (const jid of this.#waiting) {
      this.#waiting.delete(jid);
      const sock = this.#sock;
      if (!sock) break;
      try {
        await this.#keep([await sock.groupMetadata(jid)]);
      } catch {
        // Not a member any more, or not now: it is asked again with its next change.
      }
    }
    this.#is_asking = false;
  }

  async #keep(found: GroupMetadata[]): Promise<void> {
    for (const group of found) if (this.#sock) this.#known.set(group.id, group);
    try {
      await takeGroups(this.#db, this.#held, found.map(toGroup));
    } catch (error) {
      this.#held.log.warn({ error: error instanceof Error ? error.name : 'unknown' }, 'groups could not be kept');
    }
  }
}

const toGroup = ({ id, subject, participants }: GroupMetadata): Group => ({
  group_id: roomOf(id).group_id,
  subject: cutText(cleanText(subject), 300) || null,
  participants: participants.map(toMember).filter((member) => isPerson(member as object)),
});

const toMember = (member: GroupParticipant): Group['participants'][number] => ({
  ...personOfAll(member.id, member.lid, member.phoneNumber),
  role: member.admin ?? 'member',
});
