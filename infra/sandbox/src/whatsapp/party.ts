import { randomInt } from 'node:crypto';
import {
  Curve,
  generateSignalPubKey,
  type SignedKeyPair,
  signedKeyPair,
  unpadRandomMax16,
  writeRandomPadMax16,
} from '@whiskeysockets/baileys';
import {
  GroupCipher,
  GroupSessionBuilder,
  SenderKeyDistributionMessage,
  SenderKeyName,
  SenderKeyRecord,
} from '@whiskeysockets/baileys/lib/Signal/Group/index.js';
import * as libsignal from 'libsignal';
import type { KeyPair } from './certificates.ts';
import { type Session, SessionRecord } from './session-record.ts';

/** What somebody publishes so that others can write first. Public keys are of 32 bytes. */
export interface Bundle {
  registration_id: number;
  identity_key: Uint8Array;
  signed_pre_key: { id: number; value: Uint8Array; signature: Uint8Array };
  pre_key?: { id: number; value: Uint8Array };
}

export interface Ciphertext {
  type: 'pkmsg' | 'msg';
  body: Uint8Array;
}

/** `number.device`: by which a party knows a device of somebody, whatever name the chat goes by. */
export type DeviceAddress = `${string}.${number}`;

/** A party as it is kept. */
export interface PartyData {
  identity: KeyPair;
  registration_id: number;
  signed_pre_key: SignedKeyPair;
  pre_keys: [number, KeyPair][];
  sessions: [string, object][];
  sender_keys: [string, Buffer][];
  next_pre_key_id: number;
}

function newParty(): PartyData {
  const identity = Curve.generateKeyPair();
  return {
    identity,
    registration_id: randomInt(1, 16_380),
    signed_pre_key: signedKeyPair(identity, 1),
    pre_keys: [],
    sessions: [],
    sender_keys: [],
    next_pre_key_id: 1,
  };
}

interface CipherInternals {
  doDecryptWhisperMessage(body: Buffer, session: Session): Promise<Buffer>;
}

function protocolAddress(address: DeviceAddress): libsignal.ProtocolAddress {
  const [number, device] = address.split('.');
  return new libsignal.ProtocolAddress(number ?? '', Number(device));
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function publicKey(bytes: Uint8Array): Buffer {
  return Buffer.from(generateSignalPubKey(bytes));
}

/**
 * One end of end-to-end encrypted conversations: the keys and sessions of a phone. Calls of one party must not overlap.
 *
 * A failed attempt to decrypt changes nothing here. In libsignal itself it does: each session that is tried moves its
 * ratchet on, also when another one fits.
 */
export class Party {
  readonly identity: KeyPair;
  readonly registration_id: number;
  readonly #signed_pre_key: SignedKeyPair;
  readonly #pre_keys: Map<number, KeyPair>;
  readonly #sessions: Map<string, object>;
  readonly #sender_keys: Map<string, Buffer>;
  #next_pre_key_id: number;

  readonly #storage = {
    loadSession: async (address: string) => this.#record(address),
    storeSession: async (address: string, record: libsignal.SessionRecord) => this.#store(address, record),
    isTrustedIdentity: () => true,
    loadPreKey: async (id: number | string) => {
      const pair = this.#pre_keys.get(Number(id));
      return pair && { privKey: asBuffer(pair.private), pubKey: publicKey(pair.public) };
    },
    removePreKey: (id: number) => void this.#pre_keys.delete(id),
    loadSignedPreKey: () => {
      const pair = this.#signed_pre_key.keyPair;
      return { privKey: asBuffer(pair.private), pubKey: publicKey(pair.public) };
    },
    getOurRegistrationId: () => this.registration_id,
    getOurIdentity: () => ({ privKey: asBuffer(this.identity.private), pubKey: publicKey(this.identity.public) }),
    loadSenderKey: async (name: SenderKeyName) => {
      const stored = this.#sender_keys.get(name.toString());
      return stored ? SenderKeyRecord.deserialize(stored) : new SenderKeyRecord();
    },
    storeSenderKey: async (name: SenderKeyName, record: SenderKeyRecord) => {
      this.#sender_keys.set(name.toString(), Buffer.from(JSON.stringify(record.serialize())));
    },
  };

  constructor(stored: PartyData = newParty()) {
    this.identity = stored.identity;
    this.registration_id = stored.registration_id;
    this.#signed_pre_key = stored.signed_pre_key;
    this.#pre_keys = new Map(stored.pre_keys);
    this.#sessions = new Map(stored.sessions);
    this.#sender_keys = new Map(stored.sender_keys);
    this.#next_pre_key_id = stored.next_pre_key_id;
  }

  /** Everything that makes another party of the same keys and sessions. */
  data(): PartyData {
    return {
      identity: this.identity,
      registration_id: this.registration_id,
      signed_pre_key: this.#signed_pre_key,
      pre_keys: [...this.#pre_keys],
      sessions: [...this.#sessions],
      sender_keys: [...this.#sender_keys],
      next_pre_key_id: this.#next_pre_key_id,
    };
  }

  #record(address: string): libsignal.SessionRecord {
    return SessionRecord.copyOf(this.#sessions.get(address)) as unknown as libsignal.SessionRecord;
  }
  #store(address: string, record: libsignal.SessionRecord): void {
    this.#sessions.set(address, record.serialize());
  }

  /** What others need to write first; each gets a one-time key of its own. */
  bundle(): Bundle {
    const pair = Curve.generateKeyPair();
    const id = this.#next_pre_key_id++;
    this.#pre_keys.set(id, pair);
    const { keyId, keyPair, signature } = this.#signed_pre_key;
    return {
      registration_id: this.registration_id,
      identity_key: this.identity.public,
      signed_pre_key: { id: keyId, value: keyPair.public, signature },
      pre_key: { id, value: pair.public },
    };
  }

  hasSession(address: DeviceAddress): boolean {
    return SessionRecord.copyOf(this.#sessions.get(address)).haveOpenSession();
  }

  forgetSession(address: DeviceAddress): void {
    this.#sessions.delete(address);
  }

  /** Opens a session with a device that has published this. */
  async openSession(address: DeviceAddress, bundle: Bundle): Promise<void> {
    const { id, value, signature } = bundle.signed_pre_key;
    const one_time = bundle.pre_key && { keyId: bundle.pre_key.id, publicKey: publicKey(bundle.pre_key.value) };
    await new libsignal.SessionBuilder(this.#storage, protocolAddress(address)).initOutgoing({
      registrationId: bundle.registration_id,
      identityKey: publicKey(bundle.identity_key),
      signedPreKey: { keyId: id, publicKey: publicKey(value), signature },
      // Those who have run out of one-time keys are written to without one; the type does not know.
      preKey: one_time as { keyId: number; publicKey: Uint8Array },
    });
  }

  /** Throws when there is no open session with the device. */
  async encrypt(address: DeviceAddress, plaintext: Uint8Array): Promise<Ciphertext> {
    const cipher = new libsignal.SessionCipher(this.#storage, protocolAddress(address));
    const { type, body } = await cipher.encrypt(writeRandomPadMax16(plaintext));
    return { type: type === 3 ? 'pkmsg' : 'msg', body: Buffer.from(body, 'binary') };
  }

  /** Throws when no session fits; then nothing has changed. */
  async decrypt(address: DeviceAddress, { type, body }: Ciphertext): Promise<Uint8Array> {
    const cipher = new libsignal.SessionCipher(this.#storage, protocolAddress(address));
    const padded =
      type === 'pkmsg'
        ? await cipher.decryptPreKeyWhisperMessage(asBuffer(body))
        : await this.#decryptWithSessions(cipher, address, asBuffer(body));
    return unpadRandomMax16(padded);
  }

  async #decryptWithSessions(cipher: libsignal.SessionCipher, address: string, body: Buffer): Promise<Buffer> {
    const stored = this.#sessions.get(address);
    const attempts = stored ? SessionRecord.copyOf(stored).getSessions().length : 0;
    for (let index = 0; index < attempts; index++) {
      const copy = SessionRecord.copyOf(stored);
      const session = copy.getSessions()[index];
      if (!session) break;
      try {
        const plaintext = await (cipher as unknown as CipherInternals).doDecryptWhisperMessage(body, session);
        session.indexInfo.used = Date.now();
        this.#sessions.set(address, copy.serialize());
        return plaintext;
      } catch {
        // The next one may fit.
      }
    }
    throw new Error('No session fits');
  }

  #senderKeyName(group: string, address: DeviceAddress): SenderKeyName {
    const [id = '', device] = address.split('.');
    return new SenderKeyName(group, { id, deviceId: Number(device), toString: () => address });
  }

  /** The message for a group, and the key to read it with, which each member's devices need once. */
  async encryptForGroup(group: string, self: DeviceAddress, plaintext: Uint8Array): Promise<[Uint8Array, Uint8Array]> {
    const name = this.#senderKeyName(group, self);
    const distribution = await new GroupSessionBuilder(this.#storage).create(name);
    const body = await new GroupCipher(this.#storage, name).encrypt(writeRandomPadMax16(plaintext));
    return [body, distribution.serialize()];
  }

  /** From here on the next message for the group is under another key. */
  forgetSenderKey(group: string, self: DeviceAddress): void {
    this.#sender_keys.delete(this.#senderKeyName(group, self).toString());
  }

  async learnSenderKey(group: string, sender: DeviceAddress, distribution: Uint8Array): Promise<void> {
    const message = new SenderKeyDistributionMessage(null, null, null, null, distribution);
    await new GroupSessionBuilder(this.#storage).process(this.#senderKeyName(group, sender), message);
  }

  /** Throws when the key is not known. */
  async decryptFromGroup(group: string, sender: DeviceAddress, body: Uint8Array): Promise<Uint8Array> {
    return unpadRandomMax16(await new GroupCipher(this.#storage, this.#senderKeyName(group, sender)).decrypt(body));
  }
}
