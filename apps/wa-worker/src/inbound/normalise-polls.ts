import { createHash } from 'node:crypto';
import { decryptPollVote, type proto } from '@whiskeysockets/baileys';
import { cleanId } from './clean.ts';
import type { Normalised } from './normalised.ts';
import { unwrap } from './unwrap.ts';

export const pollOf = (message: proto.IMessage): proto.Message.IPollCreationMessage | undefined =>
  message.pollCreationMessage ??
  message.pollCreationMessageV2 ??
  message.pollCreationMessageV3 ??
  message.pollCreationMessageV5 ??
  undefined;

/** Polls, and votes as they come: which options is known only to who has the poll's secret (`readVote`). */
export function normalisePoll(message: proto.IMessage): Normalised | undefined {
  const poll = pollOf(message);
  if (poll) {
    const options = (poll.options ?? []).map(({ optionName }) => optionName ?? '');
    // 0: as many as one likes.
    const selectable_count = poll.selectableOptionsCount || options.length;
    return { type: 'poll', content: { question: poll.name ?? '', options, selectable_count } };
  }
  const vote = message.pollUpdateMessage;
  const poll_id = vote?.pollCreationMessageKey?.id;
  if (!poll_id) return undefined;
  return { type: 'poll_vote', content: { message_id: cleanId(poll_id), options: null } };
}

/**
 * The options of a vote by name, from the protobuf of the poll. `creators` and `voters` are the addresses under which the two are
 * known: one of each went into the key. Null: none of them opens it, or the poll has no secret.
 */
export function readVote(
  vote: proto.Message.IPollUpdateMessage,
  poll_message: proto.IMessage,
  creators: readonly string[],
  voters: readonly string[],
): string[] | null {
  const { encPayload, encIv } = vote.vote ?? {};
  const { message } = unwrap(poll_message);
  const secret = poll_message.messageContextInfo?.messageSecret ?? message.messageContextInfo?.messageSecret;
  const poll_id = vote.pollCreationMessageKey?.id;
  if (!encPayload || !encIv || !secret || !poll_id) return null;
  for (const pollCreatorJid of creators)
    for (const voterJid of voters)
      try {
        const keys = { pollCreatorJid, pollMsgId: poll_id, pollEncKey: secret, voterJid };
        const { selectedOptions } = decryptPollVote({ encPayload, encIv }, keys);
        const chosen = new Set(selectedOptions.map((hash) => Buffer.from(hash).toString('hex')));
        const names = (pollOf(message)?.options ?? []).map(({ optionName }) => optionName ?? '');
        return names.filter((name) => chosen.has(createHash('sha256').update(name).digest('hex')));
      } catch {
        // Another pair of addresses.
      }
  return null;
}
