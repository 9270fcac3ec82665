import { groupJid, personJid } from '@potentia/domain/whatsapp/rules/jid';
import type { WAMessageKey } from '@whiskeysockets/baileys';

/** Somebody, or a group, by the bare ids that are known. */
export interface Address {
  lid: string | null;
  phone: string | null;
  group_id?: string | null;
}

export const jidOf = (address: Address): string => (address.group_id ? groupJid(address.group_id) : personJid(address));

/** By which a message of a chat is meant; in a group, whoever wrote it is part of that. */
export function keyOf(chat: Address, message: Address & { message_id: string; from_me: boolean }): WAMessageKey {
  const is_foreign = chat.group_id && !message.from_me && (message.lid ?? message.phone);
  return {
    ...{ remoteJid: jidOf(chat), id: message.message_id, fromMe: message.from_me },
    ...(is_foreign && { participant: personJid(message) }),
  };
}
