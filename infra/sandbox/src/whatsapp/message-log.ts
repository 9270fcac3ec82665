import type { proto } from '@whiskeysockets/baileys';
import type { Account } from './account.ts';
import { kindOf, quotedBy, textOf, unwrap } from './content.ts';
import { type Addressing, jidOf } from './nodes.ts';
import type { PhoneMessage } from './phone.ts';
import { decryptVote } from './polls.ts';

/** What arrived, or was written here. */
export interface Arrival {
  id: string;
  chat: string;
  from: Account;
  message: proto.IMessage;
  addressing: Addressing;
}

function isViewOnce(message: proto.IMessage): boolean {
  return Boolean(message.viewOnceMessage ?? message.viewOnceMessageV2 ?? message.viewOnceMessageV2Extension);
}

/** Everything that a phone shows, in the order in which it came. A message counts once, however often it arrives. */
export class MessageLog {
  readonly #owner: Account;
  readonly #messages = new Map<string, PhoneMessage>();
  readonly #accountOf: (number: string) => Account | undefined;

  constructor(owner: Account, accountOf: (number: string) => Account | undefined) {
    this.#owner = owner;
    this.#accountOf = accountOf;
  }

  all(): PhoneMessage[] {
    return [...this.#messages.values()];
  }

  find(chat: string, id: string): PhoneMessage | undefined {
    return this.#messages.get(`${chat} ${id}`);
  }

  add(arrival: Arrival): PhoneMessage {
    const { id, chat, from, message, addressing } = arrival;
    const known = this.find(chat, id);
    if (known) {
      known.stanzas += 1;
      return known;
    }
    const changed = this.#apply(arrival);
    if (changed) return changed;
    const added: PhoneMessage = {
      id,
      chat,
      from: from.number,
      is_from_me: from === this.#owner,
      kind: kindOf(message),
      text: textOf(message),
      content: message,
      at: new Date().toISOString(),
      stanzas: 1,
      edited: false,
      deleted: false,
      reactions: [],
      votes: [],
      quoted: quotedBy(message) ?? null,
      is_view_once: isViewOnce(message),
      addressing,
    };
    this.#messages.set(`${chat} ${id}`, added);
    return added;
  }

  /** The message that this one changes; undefined when it changes none that is here. */
  #apply({ chat, from, message }: Arrival): PhoneMessage | undefined {
    const { protocolMessage, reactionMessage, pollUpdateMessage } = unwrap(message);
    const key = protocolMessage?.key ?? reactionMessage?.key ?? pollUpdateMessage?.pollCreationMessageKey;
    const target = this.find(chat, key?.id ?? '');
    if (!target) return undefined;
    if (reactionMessage) {
      const others = target.reactions.filter((reaction) => reaction.from !== from.number);
      const emoji = reactionMessage.text ?? '';
      target.reactions = emoji ? [...others, { from: from.number, emoji }] : others;
    } else if (pollUpdateMessage) {
      const others = target.votes.filter((vote) => vote.from !== from.number);
      target.votes = [...others, { from: from.number, options: this.#vote(target, from, pollUpdateMessage) }];
    } else if (protocolMessage && kindOf(message) === 'delete') {
      target.deleted = true;
    } else if (protocolMessage?.editedMessage) {
      target.edited = true;
      target.text = textOf(protocolMessage.editedMessage);
    }
    return target;
  }

  #vote(poll: PhoneMessage, voter: Account, { vote }: proto.Message.IPollUpdateMessage): string[] {
    const secret = poll.content.messageContextInfo?.messageSecret;
    const creator = this.#accountOf(poll.from);
    if (!vote || !secret || !creator) return [];
    for (const creator_name of ['pn', 'lid'] as const) {
      for (const voter_name of ['pn', 'lid'] as const) {
        const names = { creator_jid: jidOf(creator, creator_name), voter_jid: jidOf(voter, voter_name) };
        try {
          return decryptVote(vote, poll.content, { poll_id: poll.id, secret, ...names });
        } catch {
          // Under the other name, then.
        }
      }
    }
    return [];
  }
}
