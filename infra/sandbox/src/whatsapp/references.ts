import type { proto } from '@whiskeysockets/baileys';
import type { Account } from './account.ts';
import type { ContentReferences } from './content.ts';
import type { MessageLog } from './message-log.ts';
import type { PhoneMessage } from './phone.ts';
import { type Addressing, jidOf, lidJid } from './nodes.ts';
import { encryptVote } from './polls.ts';
import type { State } from './state.ts';

/** How a new message names earlier ones of its chat. Everything here throws when the chat has no message of that id. */
export class ChatReferences implements ContentReferences {
  readonly #state: State;
  readonly #log: MessageLog;
  readonly #owner: Account;
  readonly #chat: string;
  readonly #addressing: Addressing;

  constructor(state: State, log: MessageLog, owner: Account, chat: string, addressing: Addressing) {
    this.#state = state;
    this.#log = log;
    this.#owner = owner;
    this.#chat = chat;
    this.#addressing = addressing;
  }

  #shown(id: string): PhoneMessage {
    const message = this.#log.find(this.#chat, id);
    if (!message) throw new Error('The chat has no such message');
    return message;
  }

  #person(number: string): Account {
    const account = this.#state.accounts.get(number);
    if (!account) throw new Error('Nobody has that number');
    return account;
  }

  keyOf(id: string): proto.IMessageKey {
    const { from, is_from_me } = this.#shown(id);
    const is_group = this.#chat.endsWith('@g.us');
    const remoteJid = is_group ? this.#chat : jidOf(this.#person(this.#chat), this.#addressing);
    const participant = is_group && !is_from_me ? lidJid(this.#person(from).lid) : undefined;
    return { remoteJid, fromMe: is_from_me, id, participant };
  }

  quote(id: string): proto.IContextInfo {
    const { from, content, addressing } = this.#shown(id);
    return { stanzaId: id, participant: jidOf(this.#person(from), addressing), quotedMessage: content };
  }

  /** Throws also when that is no poll. */
  voteFor(id: string, options: string[]): proto.Message.IPollUpdateMessage {
    const poll = this.#shown(id);
    const secret = poll.content.messageContextInfo?.messageSecret;
    if (!secret) throw new Error('That is no poll');
    const creator_jid = jidOf(this.#person(poll.from), this.#addressing);
    const voter_jid = jidOf(this.#owner, this.#addressing);
    return {
      pollCreationMessageKey: this.keyOf(id),
      vote: encryptVote(options, { poll_id: id, secret, creator_jid, voter_jid }),
      senderTimestampMs: Date.now(),
    };
  }
}
