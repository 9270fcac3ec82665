import type { proto } from '@whiskeysockets/baileys';
import type { MessageKind, PhoneContent } from './content.ts';
import type { Addressing } from './nodes.ts';

/** A message as a phone shows it. */
export interface PhoneMessage {
  id: string;
  /** The other's number, or the group's id. */
  chat: string;
  /** Whose it is: a number; one's own when a linked device wrote it. */
  from: string;
  is_from_me: boolean;
  kind: MessageKind;
  /** The text, caption, question or name. */
  text: string;
  /** The message as the protocol has it. */
  content: proto.IMessage;
  at: string;
  /** How many times a message with this id arrived. */
  stanzas: number;
  edited: boolean;
  deleted: boolean;
  reactions: { from: string; emoji: string }[];
  votes: { from: string; options: string[] }[];
  /** The id of the message that it answers. */
  quoted: string | null;
  /** To be looked at once. */
  is_view_once: boolean;
  addressing: Addressing;
}

export interface OutboxReceipt {
  /** The number of who confirmed, and with which device (0: the phone). */
  from: string;
  device: number;
  type: 'delivered' | 'read' | 'played';
  at: string;
}

/** A message that was written on a phone. */
export interface OutboxMessage {
  id: string;
  /** A number, or a group's id. */
  to: string;
  status: 'server' | 'delivered' | 'read';
  receipts: OutboxReceipt[];
  /** The linked devices of those to whom it went that have confirmed it; their phones confirm for themselves. */
  devices: number[];
  /** The message as the phone shows it, with the reactions to it. */
  message: PhoneMessage;
}

/** A message that a phone could not read. */
export interface Undecryptable {
  id: string;
  /** The number of who wrote it, and with which device. */
  from: string;
  device: number;
  /** How often it could not be read, and so was asked for again. */
  attempts: number;
  reason: string;
  /** It came again, readable. */
  is_resolved: boolean;
}

export type TypingState = 'composing' | 'paused' | 'recording';

export interface Typing {
  /** The number of who writes. */
  from: string;
  /** The same, or the group's id. */
  chat: string;
  state: TypingState;
  at: string;
}

export interface PhoneSettings {
  /** Off: what arrives waits until it is on again. */
  is_online: boolean;
  /** Confirms what arrives. */
  auto_delivery: boolean;
  /** Opens what arrives at once. */
  auto_read: boolean;
  /** Asks again for what it cannot read. */
  auto_retry: boolean;
  /** Its lid is known to others. */
  supports_lid: boolean;
}

/** A device that is linked to a phone. */
export interface PhoneCompanion {
  id: number;
  is_connected: boolean;
  linked_at: string;
  /** How many of its one-time keys the server still has. */
  pre_keys: number;
}

export interface SendOptions {
  /** The message's id, instead of a new one. */
  id?: string;
  /** The id of the message in the same chat that it answers. */
  quoted?: string;
  /** Under which of the two names it writes; the phone number by default. Groups go by lids. */
  addressing?: Addressing;
}

/** A phone with an account, as somebody holds it in the hand. Chats are named by the other's number, or the group's id. */
export interface Phone {
  /** Digits: country code and number. */
  readonly number: string;
  readonly lid: string;
  readonly name: string;
  readonly settings: PhoneSettings;
  /** Links the device that shows this QR code. Rejects when the code is no longer good. */
  scan(qr: string): Promise<void>;
  /** Links the device that shows this code of 8 characters. Rejects when the code is wrong. */
  enterCode(code: string): Promise<void>;
  devices(): PhoneCompanion[];
  /** Unlinks one device, or all. */
  unlink(device_id?: number): void;
  send(to: string, content: PhoneContent, options?: SendOptions): Promise<{ id: string }>;
  /** What arrived, as the phone shows it: also what linked devices of its own wrote. */
  inbox(): PhoneMessage[];
  /** The same with what was written here. */
  messages(): PhoneMessage[];
  /** The file that a message brought. Throws when it brought none, or that cannot be had. */
  media(message: PhoneMessage): Buffer;
  /** What it could not read, with how often it asked for it again. */
  undecryptable(): Undecryptable[];
  /** The first message in the inbox, also of earlier ones, that is as wanted. */
  waitFor(predicate: (message: PhoneMessage) => boolean, timeout_ms?: number): Promise<PhoneMessage>;
  /** What was written here, and what has come of it. */
  outbox(): OutboxMessage[];
  waitForSent(predicate: (message: OutboxMessage) => boolean, timeout_ms?: number): Promise<OutboxMessage>;
  /** Opens messages of a chat: those named, or all that are not open yet. */
  read(chat: string, ids?: string[]): void;
  typing(to: string, state: TypingState): void;
  /** Who wrote to this phone, oldest first. */
  typingSeen(): Typing[];
  waitForTyping(predicate: (typing: Typing) => boolean, timeout_ms?: number): Promise<Typing>;
  createGroup(input: { subject: string; members: string[] }): { id: string };
  addMember(group_id: string, number: string): void;
  removeMember(group_id: string, number: string): void;
  promote(group_id: string, number: string): void;
  demote(group_id: string, number: string): void;
  leave(group_id: string): void;
  setSubject(group_id: string, subject: string): void;
}
