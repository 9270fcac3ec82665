import { type BinaryNode, BufferJSON, Curve } from '@whiskeysockets/baileys';
import { openJsonFile } from '../json-file.ts';
import type { Account, Companion, Group } from './account.ts';
import type { KeyPair } from './certificates.ts';

import { Party, type PartyData } from './party.ts';
import { PhoneDevice } from './phone-device.ts';
import type { State } from './state.ts';

type StoredCompanion = Omit<Companion, 'queue' | 'connection'> & { queue: [string, BinaryNode][] };

interface StoredAccount {
  number: string;
  lid: string;
  name: string;
  is_business: boolean;
  party: PartyData;
  last_device_id: number;
  companions: StoredCompanion[];
}

type StoredGroup = Omit<Group, 'creator' | 'members'> & { creator: string; members: [string, boolean][] };

/** What survives a restart. Messages that phones show do not. */
interface Stored {
  root: KeyPair;
  accounts: StoredAccount[];
  groups: StoredGroup[];
}

export interface Storage {
  root: KeyPair;
  /** Fills a state with what was kept. */
  restore(state: State): void;
  /** Resolves when the state, as it is now, is kept. */
  save(state: State): Promise<void>;
}

function storedAccount(account: Account): StoredAccount {
  const { number, lid, name, is_business, last_device_id, phone, companions } = account;
  const linked = [...companions.values()].map(({ connection: _connection, queue, ...rest }) => {
    return { ...rest, queue: [...queue] };
  });
  return { number, lid, name, is_business, last_device_id, party: phone.party.data(), companions: linked };
}

function storedGroup({ creator, members, ...rest }: Group): StoredGroup {
  const entries = [...members].map(([account, is_admin]): [string, boolean] => [account.number, is_admin]);
  return { ...rest, creator: creator.number, members: entries };
}

function restore(state: State, { accounts, groups }: Stored): void {
  for (const { party, companions, last_device_id, ...input } of accounts) {
    const { account } = new PhoneDevice(state, input, new Party(party));
    account.last_device_id = last_device_id;
    for (const companion of companions) {
      account.companions.set(companion.id, { ...companion, queue: new Map(companion.queue), connection: null });
    }
    state.accounts.set(account.number, account);
    state.by_lid.set(account.lid, account);
  }
  for (const { creator: by, members, ...rest } of groups) {
    const creator = state.accounts.get(by);
    if (!creator) continue;
    const known = members.flatMap(([number, is_admin]): [Account, boolean][] => {
      const account = state.accounts.get(number);
      return account ? [[account, is_admin]] : [];
    });
    state.groups.set(rest.id, { ...rest, creator, members: new Map(known) });
  }
}

/** The server's memory in a folder; without one it is forgotten with the process. */
export async function openStorage(data_dir: string | undefined, given_root?: KeyPair): Promise<Storage> {
  const initial = { text: '' };
  const file = await openJsonFile(data_dir, 'whatsapp.json', initial);
  const kept = file.value.text ? (JSON.parse(file.value.text, BufferJSON.reviver) as Stored) : undefined;
  const root = given_root ?? kept?.root ?? Curve.generateKeyPair();
  return {
    root,
    restore(state) {
      if (kept) restore(state, kept);
    },
    async save(state) {
      if (!data_dir) return;
      const stored: Stored = {
        root,
        accounts: [...state.accounts.values()].map(storedAccount),
        groups: [...state.groups.values()].map(storedGroup),
      };
      file.value.text = JSON.stringify(stored, BufferJSON.replacer);
      await file.save();
    },
  };
}
