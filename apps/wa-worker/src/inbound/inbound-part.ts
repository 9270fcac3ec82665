import { type Person, takePeople, takeRead } from '@potentia/db/wa/inbound-queries';
import { isPerson, personOfAll } from '@potentia/domain/whatsapp/rules/jid';
import type { BinaryNode, Contact, WASocket } from '@whiskeysockets/baileys';
import type { WaWorkerContext } from '../context.ts';
import type { HeldSession, SessionPart } from '../session/parts.ts';
import { cleanText, cutText } from './clean.ts';
import { Groups } from './groups.ts';
import { takeHistory, toItem } from './history.ts';
import { takeInOrder } from './in-order.ts';
import { Journal } from './journal.ts';
import type { InboundMetrics } from './metrics.ts';
import { meOf, messageId } from './place.ts';
import { guardedRepository } from './signal-repository.ts';
import { readStoredVote } from './votes.ts';

interface Kept {
  groups: Groups;
  /** Of the socket of now. */
  journal: Journal | null;
}

/** People in one statement. */
const PEOPLE_CHUNK = 500;

/** Everything that comes into a session. */
export function inboundPart({ db }: Pick<WaWorkerContext, 'db'>, metrics: InboundMetrics): SessionPart {
  const kept = new WeakMap<HeldSession, Kept>();
  const keptOf = (held: HeldSession): Kept => {
    const found = kept.get(held) ?? { groups: new Groups(db, held), journal: null };
    kept.set(held, found);
    return found;
  };

  return {
    name: 'inbound',
    socketOptions(held) {
      const mine = keptOf(held);
      const { state } = held;
      const me = () => meOf(state.creds);
      const journal = new Journal({
        ...{ db, state, metrics, me },
        isMarkingRead: () => held.settings.is_marking_read ?? false,
        onRead: (stanza) => markRead(held, stanza),
        readVote: (message, place) => readStoredVote(db, state, message, place, me()),
      });
      mine.journal = journal;
      return {
        makeSignalRepository: guardedRepository(journal),
        cachedGroupMetadata: mine.groups.cached,
        shouldSyncHistoryMessage: () => held.settings.is_syncing_history ?? false,
      };
    },
    onSocket(sock, held) {
      const { groups, journal } = keptOf(held);
      if (!journal) return;
      groups.onSocket(sock);
      const complain = (error: unknown) => held.log.error({ error: nameOf(error) }, 'a stanza could not be read');
      takeInOrder(sock, (node) => expect(node, journal, groups), complain);
      listen(db, sock, held, journal);
    },
    onClosed(held) {
      keptOf(held).groups.onClosed();
      keptOf(held).journal = null;
    },
  };
}

function expect(node: BinaryNode, journal: Journal, groups: Groups): void {
  journal.expect(node);
  const { from } = node.attrs;
  if (from?.endsWith('@g.us')) groups.met(from);
}

/** What does not come as a ciphertext of its own. */
function listen(db: WaWorkerContext['db'], sock: WASocket, held: HeldSession, journal: Journal): void {
  const { state } = held;
  const take = (people: Person[]) => void takeInChunks(db, held, people);

  // What came without content, and the own phone has handed on; all else was journaled as it was decrypted.
  sock.ev.on('messages.upsert', ({ messages }) => {
    const inbound = messages
      .filter(({ key }) => !journal.hasJournaled(messageId(key.id ?? '')))
      .map((message) => toItem(message, meOf(state.creds)))
      .filter((item) => item !== null);
    if (inbound.length > 0) void state.log.append({ inbound });
  });
  sock.ws.on('CB:receipt', (node: BinaryNode) => void takeOpened(db, held, node));
  sock.ev.on('messaging-history.set', ({ messages, contacts, lidPnMappings }) => {
    take([...contacts.map(toPerson), ...(lidPnMappings ?? []).map(({ lid, pn }) => personOfAll(lid, pn))]);
    takeHistory(state.log, messages, meOf(state.creds)).catch(() => undefined);
  });
  sock.ev.on('lid-mapping.update', ({ lid, pn }) => take([personOfAll(lid, pn)]));
  sock.ev.on('contacts.upsert', (contacts) => take(contacts.map(toPerson)));
  sock.ev.on('contacts.update', (contacts) =>
    // Each message brings its sender's name; that is in the journal with it.
    take(contacts.filter(({ name, lid, phoneNumber }) => name ?? lid ?? phoneNumber).map(toPerson)),
  );
}

/** What the own phone shows as read is not unread here either. */
async function takeOpened(db: WaWorkerContext['db'], held: HeldSession, { attrs, content }: BinaryNode): Promise<void> {
  if (attrs['type'] !== 'read-self' || !attrs['id']) return;
  const lists = Array.isArray(content) ? content.filter(({ tag }) => tag === 'list') : [];
  const items = lists.flatMap((list) => (Array.isArray(list.content) ? list.content : []));
  const ids = [attrs['id'], ...items.map((item) => item.attrs['id'] ?? '')].map(messageId);
  try {
    await takeRead(db, held, ids);
  } catch (error) {
    held.log.warn({ error: nameOf(error) }, 'what the own phone has read could not be kept');
  }
}

function toPerson({ id, lid, phoneNumber, name }: Partial<Contact>): Person {
  const shown = cutText(cleanText(name ?? '').trim(), 200);
  return { ...personOfAll(id, lid, phoneNumber), ...(shown && { name: shown }) };
}

/** Those with both ids, or a name: the others are met when they write. */
async function takeInChunks(db: WaWorkerContext['db'], held: HeldSession, found: Person[]): Promise<void> {
  const people = found.filter((person) => isPerson(person as object) && ((person.lid && person.phone) ?? person.name));
  try {
    for (let start = 0; start < people.length; start += PEOPLE_CHUNK)
      await takePeople(db, held, people.slice(start, start + PEOPLE_CHUNK));
  } catch (error) {
    held.log.warn({ error: nameOf(error) }, 'people could not be kept');
  }
}

function markRead(held: HeldSession, { attrs }: BinaryNode): void {
  const { id, from, participant } = attrs;
  if (!id || !from || !held.is_sending) return;
  const key = { id, remoteJid: from, fromMe: false, ...(participant && { participant }) };
  held.sock?.readMessages([key]).catch(() => undefined);
}

/** What went wrong may hold what somebody wrote. */
const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'unknown');
