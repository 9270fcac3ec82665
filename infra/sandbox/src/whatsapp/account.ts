import type { BinaryNode } from '@whiskeysockets/baileys';
import type { Connection } from './connection.ts';
import type { DeviceAddress } from './party.ts';
import type { PhoneDevice } from './phone-device.ts';

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
  connection: Connection | null;
}

export interface Account {
  number: string;
  lid: string;
  name: string;
  is_business: boolean;
  phone: PhoneDevice;
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

export function addressOf(account: Account, device: number): DeviceAddress {
  return `${account.number}.${device}`;
}
