import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import {
  aesDecryptCTR,
  aesDecryptGCM,
  aesEncryptCTR,
  type BinaryNode,
  Curve,
  derivePairingCodeKey,
  proto,
} from '@whiskeysockets/baileys';
import * as curve from 'libsignal/src/curve.js';
import type { Account, Companion, PendingDevice } from './account.ts';
import type { Connection } from './connection.ts';
import { announceDevice } from './devices.ts';
import type { NoiseClient } from './noise.ts';
import { bytes, child, childBytes, lidJid, node, now, numberJid, parseJid, SERVER } from './nodes.ts';
import type { State } from './state.ts';

const REFS = 6;
/** How long a QR code is good for: the first of a connection, and each after it. */
const FIRST_REF_MS = 60_000;
const NEXT_REF_MS = 20_000;
const MAX_COMPANIONS = 4;
const ACCOUNT_PREFIX = Buffer.from([6, 0]);
const DEVICE_PREFIX = Buffer.from([6, 1]);

interface Settled {
  resolve: () => void;
  reject: (error: Error) => void;
}

interface Unsigned extends Settled {
  account: Account;
  id: number;
  details: Uint8Array;
}

function hkdf(data: Uint8Array, salt: Uint8Array, info: string): Buffer {
  return Buffer.from(hkdfSync('sha256', data, salt, info, 32));
}

function nextDeviceId(account: Account): number {
  if (account.companions.size >= MAX_COMPANIONS)
    throw new Error(`No more than ${MAX_COMPANIONS} devices can be linked`);
  return account.last_device_id + 1;
}

/** A device that is not linked yet: what it showed when it came, and how far linking it has got. */
export class Registration implements PendingDevice {
  readonly connection: Connection;
  readonly #state: State;
  readonly #noise_key: Buffer;
  readonly #data: proto.ClientPayload.IDevicePairingRegistrationData;
  readonly #refs = Array.from({ length: REFS }, () => randomBytes(16).toString('base64url'));
  readonly #shown_at = Date.now();
  #pending: Unsigned | undefined;
  /** For whom a pairing code was asked, with what the code protects. */
  #hello: { number: string; wrapped: Buffer; ref: Buffer } | undefined;
  #code: (Settled & { account: Account; ephemeral: Buffer; private: Uint8Array }) | undefined;

  constructor(state: State, connection: Connection, client: NoiseClient) {
    this.#state = state;
    this.connection = connection;
    this.#noise_key = client.key;
    this.#data = client.payload.devicePairingData ?? {};
    const refs = this.#refs.map((ref) => node('ref', {}, Buffer.from(ref)));
    connection.send(
      node('iq', { from: SERVER, type: 'set', id: state.stanzaId(), xmlns: 'md' }, [node('pair-device', {}, refs)]),
    );
  }

  get #identity_key(): Buffer {
    return Buffer.from(this.#data.eIdent ?? []);
  }

  get number(): string | undefined {
    return this.#hello?.number;
  }

  shows(ref: string): boolean {
    return this.#refs.includes(ref);
  }

  async scanned(account: Account, qr: string[]): Promise<void> {
    const [ref = '', noise_key, identity_key, adv_secret = ''] = qr;
    const age_ms = Date.now() - this.#shown_at;
    if (age_ms > FIRST_REF_MS + this.#refs.indexOf(ref) * NEXT_REF_MS)
      throw new Error('This QR code is no longer valid');
    if (noise_key !== this.#noise_key.toString('base64')) throw new Error('The QR code is of another connection');
    if (identity_key !== this.#identity_key.toString('base64')) throw new Error('The QR code is of another device');
    await this.#pair(account, Buffer.from(adv_secret, 'base64'));
  }

  #pair(account: Account, adv_secret: Buffer): Promise<void> {
    const id = nextDeviceId(account);
    const { identity } = account.phone.party;
    const details = proto.ADVDeviceIdentity.encode({
      rawId: randomBytes(4).readUInt32BE(),
      timestamp: Math.floor(Date.now() / 1000),
      keyIndex: id,
      accountType: proto.ADVEncryptionType.E2EE,
      deviceType: proto.ADVEncryptionType.E2EE,
    }).finish();
    const accountSignature = Curve.sign(identity.private, Buffer.concat([ACCOUNT_PREFIX, details, this.#identity_key]));
    const signed = proto.ADVSignedDeviceIdentity.encode({
      details,
      accountSignatureKey: identity.public,
      accountSignature,
    }).finish();
    const hmac = createHmac('sha256', adv_secret).update(signed).digest();
    const device_identity = proto.ADVSignedDeviceIdentityHMAC.encode({ details: signed, hmac }).finish();
    const { number, lid, name, is_business } = account;
    const success = [
      node('device-identity', {}, device_identity),
      node('device', { jid: numberJid(number, id), lid: lidJid(lid, id) }),
      node('platform', { name: is_business ? 'smba' : 'android' }),
      ...(is_business ? [node('biz', { name })] : []),
    ];
    return new Promise((resolve, reject) => {
      this.#pending = { account, id, details, resolve, reject };
      const attrs = { from: SERVER, type: 'set', id: this.#state.stanzaId(), t: now() };
      this.connection.send(node('iq', attrs, [node('pair-success', {}, success)]));
    });
  }

  /** What the device says while it pairs. */
  async received(stanza: BinaryNode): Promise<void> {
    const sign = child(stanza, 'pair-device-sign');
    const code = child(stanza, 'link_code_companion_reg');
    if (sign) this.#signed(childBytes(sign, 'device-identity'));
    else if (code?.attrs.stage === 'companion_hello') this.#askedForCode(stanza, code);
    else if (code?.attrs.stage === 'companion_finish') this.#codeConfirmed(stanza, code);
    else if (stanza.tag === 'iq' && stanza.attrs.type !== 'result') this.connection.reply(stanza);
  }

  /** The device has signed its identity: it is linked, and has to come again to log in. */
  #signed(encoded: Buffer): void {
    const pending = this.#pending;
    if (!pending) return;
    const { deviceSignature } = proto.ADVSignedDeviceIdentity.decode(encoded);
    const { account, id, details } = pending;
    const phone_key = account.phone.party.identity.public;
    const message = Buffer.concat([DEVICE_PREFIX, details, this.#identity_key, phone_key]);
    const key = Buffer.concat([Buffer.from([5]), this.#identity_key]);
    const is_valid = curve.verifySignature(key, message, Buffer.from(deviceSignature ?? []));
    if (!is_valid) {
      pending.reject(new Error('The device has not signed its identity'));
      return this.connection.close();
    }
    account.companions.set(id, this.#companion(id));
    account.last_device_id = id;
    announceDevice(this.#state, account, 'add', id);
    this.#state.changed();
    this.#pending = undefined;
    this.connection.closeWith(node('stream:error', { code: '515' }));
    pending.resolve();
  }

  #companion(id: number): Companion {
    const { eRegid, eSkeyId, eSkeyVal, eSkeySig } = this.#data;
    return {
      id,
      noise_key: this.#noise_key,
      identity_key: this.#identity_key,
      registration_id: Buffer.from(eRegid ?? []).readUInt32BE(),
      signed_pre_key: {
        id: Buffer.from(eSkeyId ?? []).readUIntBE(0, 3),
        value: Buffer.from(eSkeyVal ?? []),
        signature: Buffer.from(eSkeySig ?? []),
      },
      pre_keys: [],
      linked_at: new Date().toISOString(),
      is_synced: false,
      queue: new Map(),
      connection: null,
    };
  }

  #askedForCode(request: BinaryNode, code: BinaryNode): void {
    const ref = randomBytes(16);
    const wrapped = childBytes(code, 'link_code_pairing_wrapped_companion_ephemeral_pub');
    this.#hello = { number: parseJid(code.attrs.jid)?.user ?? '', wrapped, ref };
    this.#state.watch.changed();
    this.connection.reply(request, [
      node('link_code_companion_reg', { stage: 'companion_hello' }, [node('link_code_pairing_ref', {}, ref)]),
    ]);
  }

  async codeEntered(account: Account, code: string): Promise<void> {
    if (!this.#hello) throw new Error('The device has not asked for a code');
    const { wrapped, ref } = this.#hello;
    const key = await derivePairingCodeKey(code, wrapped.subarray(0, 32));
    const ephemeral = aesDecryptCTR(wrapped.subarray(48, 80), key, wrapped.subarray(32, 48));
    const ours = Curve.generateKeyPair();
    const salt = randomBytes(32);
    const iv = randomBytes(16);
    const our_key = await derivePairingCodeKey(code, salt);
    const ours_wrapped = Buffer.concat([salt, iv, aesEncryptCTR(ours.public, our_key, iv)]);
    await new Promise<void>((resolve, reject) => {
      this.#code = { account, ephemeral, private: ours.private, resolve, reject };
      const parts = [
        node('link_code_pairing_wrapped_primary_ephemeral_pub', {}, ours_wrapped),
        node('primary_identity_pub', {}, account.phone.party.identity.public),
        node('link_code_pairing_ref', {}, ref),
      ];
      const attrs = { from: SERVER, type: 'link_code_companion_reg', id: this.#state.stanzaId(), t: now() };
      const content = node('link_code_companion_reg', { stage: 'primary_hello' }, parts);
      this.connection.send(node('notification', attrs, [content]));
    });
  }

  #codeConfirmed(request: BinaryNode, code: BinaryNode): void {
    const entered = this.#code;
    if (!entered) return this.connection.replyError(request, 400, 'bad-request');
    this.#code = undefined;
    const { account, ephemeral, resolve, reject } = entered;
    try {
      const shared = Curve.sharedKey(entered.private, ephemeral);
      const wrapped = bytes(child(code, 'link_code_pairing_wrapped_key_bundle'));
      const key = hkdf(shared, wrapped.subarray(0, 32), 'link_code_pairing_key_bundle_encryption_key');
      const bundle = aesDecryptGCM(wrapped.subarray(44), key, wrapped.subarray(32, 44), Buffer.alloc(0));
      const { identity } = account.phone.party;
      const ours = Curve.sharedKey(identity.private, bundle.subarray(0, 32));
      const secret = hkdf(Buffer.concat([shared, ours, bundle.subarray(64, 96)]), Buffer.alloc(0), 'adv_secret');
      this.connection.reply(request);
      this.#pair(account, secret).then(resolve, reject);
    } catch {
      this.connection.replyError(request, 400, 'bad-request');
      reject(new Error('The code is wrong'));
    }
  }

  closed(): void {
    const error = new Error('The device is gone');
    this.#pending?.reject(error);
    this.#code?.reject(error);
  }
}

/** The parts of what a QR code says. */
export function parseQr(text: string): string[] {
  return text.slice(text.indexOf('#') + 1).split(',');
}
