import {
  isPerson,
  isSamePerson,
  personOf,
  personOfAll,
  type PersonIds,
  roomOf,
} from '@potentia/domain/whatsapp/rules/jid';
import { type BinaryNode, type proto, type WAMessageKey } from '@whiskeysockets/baileys';
import { cleanId, cleanText, cutText } from './clean.ts';
import type { Place } from './item.ts';

/** This account, by both of its ids. */
export const meOf = (creds: { me?: { id?: string; lid?: string | undefined } } | null): PersonIds =>
  personOfAll(creds?.me?.id, creds?.me?.lid);

/**
 * Where a `<message>` stanza belongs. Null: it has no id or no sender, or is none that people see (newsletters, status updates, what the
 * own devices tell each other).
 */
export function placeOfStanza({ attrs, content }: BinaryNode, me: PersonIds): Place | null {
  const { id, from, participant, recipient } = attrs;
  if (!id || !from || attrs['category'] === 'peer' || isIgnored(from)) return null;
  const person = personOf(from);
  const is_direct = isPerson(person);
  const author = is_direct
    ? withName(personOfAll(from, attrs['sender_pn'], attrs['sender_lid']), attrs['notify'])
    : withName(
        personOfAll(
          participant,
          attrs['participant_pn'],
          attrs['participant_lid'],
          attrs['sender_pn'],
          attrs['sender_lid'],
        ),
        attrs['notify'],
      );
  const from_me = isSamePerson(author, me);
  const is_business = Array.isArray(content) && content.some(({ tag }) => tag === 'verified_name');
  return {
    chat: is_direct ? directChat(author, from_me, recipient, attrs) : roomOf(from),
    sender: from_me || !isPerson(author) ? null : { ...author, ...(is_business && { is_business }) },
    from_me,
    message_id: messageId(id),
    at: timeOf(Number(attrs['t'])),
  };
}

/** Of our own messages the alternative names are ours, but those of the recipient. */
function directChat(
  author: PersonIds,
  from_me: boolean,
  recipient: string | undefined,
  attrs: Record<string, string | undefined>,
): Place['chat'] {
  const { lid, phone } = author;
  const ids = { ...(lid && { lid }), ...(phone && { phone }) };
  if (!from_me || !recipient) return { kind: 'person', ...ids };
  const other = personOfAll(
    recipient,
    attrs['recipient_pn'],
    attrs['recipient_lid'],
    attrs['peer_recipient_pn'],
    attrs['peer_recipient_lid'],
  );
  return isPerson(other) ? { kind: 'person', ...other } : roomOf(recipient);
}

/** Where a message belongs that Baileys tells of by itself: from history, or sent again by the phone. Null as above. */
export function placeOfMessage(
  message: {
    key: WAMessageKey;
    messageTimestamp?: proto.IWebMessageInfo['messageTimestamp'];
    pushName?: string | null;
    participant?: string | null;
  },
  me: PersonIds,
): Place | null {
  const { id, remoteJid, remoteJidAlt, fromMe, participantAlt } = message.key;
  if (!id || !remoteJid || isIgnored(remoteJid)) return null;
  const from_me = fromMe ?? false;
  const direct = personOf(remoteJid);
  const participant = message.key.participant ?? message.participant;
  // What stands beside our own message may be our own id.
  const other = isSamePerson(personOf(remoteJidAlt), me) && !isSamePerson(direct, me) ? undefined : remoteJidAlt;
  const chat: Place['chat'] = isPerson(direct)
    ? { kind: 'person', ...personOfAll(remoteJid, other) }
    : roomOf(remoteJid);
  const author = isPerson(direct) ? personOfAll(remoteJid, other) : personOfAll(participant, participantAlt);
  return {
    chat,
    sender: from_me || !isPerson(author) ? null : withName(author, message.pushName),
    from_me,
    message_id: messageId(id),
    at: timeOf(Number(message.messageTimestamp ?? 0)),
  };
}

/** Broadcasts to everybody, which no session is written to by. */
export const isIgnored = (jid: string): boolean => jid === 'status@broadcast' || jid.endsWith('@newsletter');

export const messageId = (id: string): string => cleanId(id) || '-';

function withName(ids: PersonIds, name: string | null | undefined): PersonIds & { name?: string } {
  const cleaned = cutText(cleanText(name ?? '').trim(), 200);
  return cleaned ? { ...ids, name: cleaned } : ids;
}

/** Seconds since 1970, as the sender has them; what cannot be is now. */
function timeOf(seconds: number): string {
  const now = Date.now();
  const at = seconds * 1_000;
  return new Date(at > 0 && at < now + 86_400_000 ? at : now).toISOString();
}
