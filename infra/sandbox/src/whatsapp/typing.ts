import type { BinaryNode } from '@whiskeysockets/baileys';
import type { Account, Group } from './account.ts';
import type { Connection } from './connection.ts';
import { type Addressing, addressingOf, jidOf, node } from './nodes.ts';
import type { TypingState } from './phone.ts';
import type { State } from './state.ts';

interface Writer {
  account: Account;
  /** 0: the phone. */
  id: number;
}

/** Shows everybody in the chat what somebody does: those who are not there never learn of it. */
export function showTyping(
  state: State,
  { account, id }: Writer,
  chat: Account | Group,
  addressing: Addressing,
  label: TypingState,
): void {
  const group = 'members' in chat ? chat : undefined;
  const receivers = 'members' in chat ? [...chat.members.keys()] : [chat];
  const who = jidOf(account, group ? 'lid' : addressing, id);
  const attrs = group ? { from: group.id, participant: who } : { from: who };
  const media = label === 'recording' ? 'audio' : undefined;
  const content = [node(label === 'paused' ? 'paused' : 'composing', { media })];
  const at = new Date().toISOString();
  for (const receiver of receivers) {
    if (receiver === account) continue;
    receiver.phone.typingCame({ from: account.number, chat: group?.id ?? account.number, state: label, at });
    for (const companion of receiver.companions.values()) state.pass(companion, node('chatstate', attrs, content));
  }
}

/** A linked device writes, records, or stops to. */
export function receiveTyping(state: State, connection: Connection, stanza: BinaryNode): void {
  if (!connection.device || !Array.isArray(stanza.content)) return;
  const { account, companion } = connection.device;
  const { to } = stanza.attrs;
  const [what] = stanza.content;
  const chat = state.groups.get(to ?? '') ?? state.account(to);
  if (!chat || ('members' in chat && !chat.members.has(account))) return;
  const label = what?.attrs.media === 'audio' ? 'recording' : what?.tag === 'paused' ? 'paused' : 'composing';
  showTyping(state, { account, id: companion.id }, chat, addressingOf(to), label);
}
