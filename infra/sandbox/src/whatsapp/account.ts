import type { BinaryNode, proto } from '@whiskeysockets/baileys';
import type { Addressing } from './nodes.ts';
import type { Bundle, DeviceAddress, Party } from './party.ts';
import type { Phone, Typing } from './phone.ts';

/** What the server does with the connection of a device. */
export interface DeviceConnection {
  /** The device has said that it is ready for messages. */
  is_active: boolean;
  is_silent: boolean;
  delay_ms: number;
  send(stanza: BinaryNode): void;
  closeWith(stanza: BinaryNode): void;
  close(): void;
  terminate(): void;
}

export interface PreKey {
  id: number;
  value: Buffer;
}

/** A device that is linked to a phone, as the server knows it. */
export interface Companion {
  id: number;
  /** The public half of the noise key: by it the server knows the device at login. */
  noise_key: Buffer;
  identity_key: Buffer;
  registration_id: number;
  signed_pre_key: PreKey & { signature: Buffer };
  pre_keys: PreKey[];
  linked_at: string;
  /** It has got the phone's history; that comes once. */
  is_synced: boolean;
  /** Stanzas whose receipt has not come yet, oldest first, by what the receipt will name. */
  queue: Map<string, BinaryNode>;
  connection: DeviceConnection | null;
}

/** What the server says to a phone. */
export interface AccountPhone extends Phone {
  readonly party: Party;
  /** Ends what waits for the phone. */
  close(): void;
  /** A message of a linked device of anybody's. */
  receive(message: BinaryNode, from: Account, device: number): Promise<void>;
  /** A message of another phone. */
  receivePlain(id: string, chat: string, from: Account, message: proto.IMessage, addressing: Addressing): Promise<void>;
  /** Something about the phone has changed: whoever waits looks again. */
  changed(): void;
  typingCame(typing: Typing): void;
  receiptCame(ids: string[], type: 'delivered' | 'read' | 'played', from: Device): void;
  retryAsked(receipt: BinaryNode, from: Device): Promise<void>;
  /** A device that has just been linked gets what the phone has. */
  sync(companion: Companion): Promise<void>;
  rotateSenderKey(group_id: string): void;
}

export interface Account {
  number: string;
  lid: string;
  name: string;
  is_business: boolean;
  phone: AccountPhone;
  companions: Map<number, Companion>;
  /** Ids of devices that are gone are not given again. */
  last_device_id: number;
  /** Who has asked for its devices, and is told of changes. */
  askers: Set<Account>;
}

/** A device of an account; without a companion it is the phone. */
export interface Device {
  account: Account;
  id: number;
  companion: Companion | undefined;
}

/** A device that is about to be linked. */
export interface PendingDevice {
  /** The number for which it asked a pairing code. */
  readonly number: string | undefined;
  /** Whether the code came from this device, still good or not. */
  shows(ref: string): boolean;
  /** Links the device to the phone that read its QR code. Rejects when the code is no longer good, or is not its own. */
  scanned(account: Account, qr: string[]): Promise<void>;
  /** Links the device to the phone into which its code was typed. Rejects when it was another one. */
  codeEntered(account: Account, code: string): Promise<void>;
}

export interface Group {
  /** Digits and `@g.us`. */
  id: string;
  subject: string;
  subject_at: string;
  description: string;
  created_at: string;
  creator: Account;
  /** Whether they are an admin, by who they are. */
  members: Map<Account, boolean>;
  invite_code: string;
}

/** What a linked device has published; its next one-time key is used up. */
export function takeBundle({ registration_id, identity_key, signed_pre_key, pre_keys }: Companion): Bundle {
  return { registration_id, identity_key, signed_pre_key, pre_key: pre_keys.shift() };
}

export function addressOf(account: Account, device: number): DeviceAddress {
  return `${account.number}.${device}`;
}
