import { createHash, randomBytes } from 'node:crypto';
import { aesEncryptGCM, decryptPollVote, hmacSign, proto } from '@whiskeysockets/baileys';
import { unwrap } from './content.ts';

/** Who asked and who votes, under the names by which the chat knows them: the key depends on them. */
export interface VoteContext {
  poll_id: string;
  secret: Uint8Array;
  creator_jid: string;
  voter_jid: string;
}

function optionHash(option: string): Buffer {
  return createHash('sha256').update(option).digest();
}

export function optionsOf(poll: proto.IMessage): string[] {
  const message = unwrap(poll);
  const creation = message.pollCreationMessage ?? message.pollCreationMessageV2 ?? message.pollCreationMessageV3;
  return (creation?.options ?? []).map(({ optionName }) => optionName ?? '');
}

export function encryptVote(options: string[], context: VoteContext): proto.Message.IPollEncValue {
  const { poll_id, secret, creator_jid, voter_jid } = context;
  const use = Buffer.concat([Buffer.from(`${poll_id}${creator_jid}${voter_jid}Poll Vote`), Buffer.from([1])]);
  const key = hmacSign(use, hmacSign(secret, new Uint8Array(32)));
  const vote = proto.Message.PollVoteMessage.encode({ selectedOptions: options.map(optionHash) }).finish();
  const encIv = randomBytes(12);
  return { encPayload: aesEncryptGCM(vote, key, encIv, Buffer.from(`${poll_id}\0${voter_jid}`)), encIv };
}

/** The options of the poll that a vote is for. Throws when the vote is under other names, or for another poll. */
export function decryptVote(vote: proto.Message.IPollEncValue, poll: proto.IMessage, context: VoteContext): string[] {
  const { poll_id: pollMsgId, secret: pollEncKey, creator_jid: pollCreatorJid, voter_jid: voterJid } = context;
  const decrypted = decryptPollVote(vote, { pollMsgId, pollEncKey, pollCreatorJid, voterJid });
  const selected = decrypted.selectedOptions.map((hash) => Buffer.from(hash).toString('hex'));
  return optionsOf(poll).filter((option) => selected.includes(optionHash(option).toString('hex')));
}
