import type { Queryable } from '@potentia/db/client';
import { findPoll } from '@potentia/db/wa/inbound-queries';
import type { PersonIds } from '@potentia/domain/whatsapp/rules/jid';
import { proto } from '@whiskeysockets/baileys';
import type { SessionState } from '../state/session-state.ts';
import type { Place } from './item.ts';
import { readVote } from './normalise-polls.ts';

/** The options of a vote, with the poll's secret from the journal. Null: the poll is not known, or none of its addresses opens it. */
export async function readStoredVote(
  db: Queryable,
  state: SessionState,
  message: proto.IMessage,
  place: Place,
  me: PersonIds,
): Promise<string[] | null> {
  const vote = message.pollUpdateMessage;
  const poll_id = vote?.pollCreationMessageKey?.id;
  if (!vote || !poll_id) return null;
  // It may have come a moment ago.
  await state.log.durable();
  const poll = await findPoll(db, state.session_id, place.chat, poll_id);
  if (!poll) return null;
  const creators = addressesOf(poll.from_me ? me : poll.creator);
  const voters = addressesOf(place.sender ?? me);
  return readVote(vote, proto.Message.decode(Buffer.from(poll.proto, 'base64')), creators, voters);
}

/** Which of them went into the key depends on how the chat was addressed then. */
const addressesOf = ({ lid, phone }: { lid?: string | null; phone?: string | null }): string[] => [
  ...(lid ? [`${lid}@lid`] : []),
  ...(phone ? [`${phone}@s.whatsapp.net`] : []),
];
