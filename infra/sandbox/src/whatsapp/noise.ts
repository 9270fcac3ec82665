import { createHash, hkdfSync } from 'node:crypto';
import { aesDecryptGCM, aesEncryptGCM, Curve, proto } from '@whiskeysockets/baileys';
import type { ServerIdentity } from './certificates.ts';
import { PROLOGUE } from './framing.ts';

/** Exactly 32 bytes, which makes it its own hash. */
const NAME = Buffer.from('Noise_XX_25519_AESGCM_SHA256\0\0\0\0');
const NO_DATA = Buffer.alloc(0);

function nonce(counter: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(counter, 8);
  return bytes;
}

function expand(data: Uint8Array, salt: Uint8Array): [Buffer, Buffer] {
  const bytes = Buffer.from(hkdfSync('sha256', data, salt, NO_DATA, 64));
  return [bytes.subarray(0, 32), bytes.subarray(32)];
}

/** The hash and the key that both sides grow step by step while they shake hands. */
class Handshake {
  #hash: Buffer = NAME;
  #salt: Buffer = NAME;
  #key: Buffer = NAME;
  #counter = 0;

  authenticate(data: Uint8Array): void {
    this.#hash = createHash('sha256').update(this.#hash).update(data).digest();
  }
  mix(data: Uint8Array): void {
    [this.#salt, this.#key] = expand(data, this.#salt);
    this.#counter = 0;
  }
  encrypt(plaintext: Uint8Array): Buffer {
    const ciphertext = aesEncryptGCM(plaintext, this.#key, nonce(this.#counter++), this.#hash);
    this.authenticate(ciphertext);
    return ciphertext;
  }
  decrypt(ciphertext: Uint8Array): Buffer {
    const plaintext = aesDecryptGCM(ciphertext, this.#key, nonce(this.#counter++), this.#hash);
    this.authenticate(ciphertext);
    return plaintext;
  }
  split(): [Buffer, Buffer] {
    return expand(NO_DATA, this.#salt);
  }
}

export interface NoiseClient {
  /** What the device is known by: the public half of its noise key. */
  key: Buffer;
  payload: proto.ClientPayload;
}

/** The server's side of Noise XX, for one connection. */
export class NoiseServer {
  readonly #handshake = new Handshake();
  readonly #identity: ServerIdentity;
  readonly #ephemeral = Curve.generateKeyPair();
  #read: { key: Buffer; counter: number } | undefined;
  #write: { key: Buffer; counter: number } | undefined;

  constructor(identity: ServerIdentity) {
    this.#identity = identity;
    this.#handshake.authenticate(PROLOGUE);
  }

  /** The answer to the client's first frame. Throws when that is no hello. */
  hello(frame: Uint8Array): Uint8Array {
    const theirs = proto.HandshakeMessage.decode(frame).clientHello?.ephemeral;
    if (!theirs) throw new Error('Not a hello');
    const { key, chain } = this.#identity;
    this.#handshake.authenticate(theirs);
    this.#handshake.authenticate(this.#ephemeral.public);
    this.#handshake.mix(Curve.sharedKey(this.#ephemeral.private, theirs));
    const encrypted_key = this.#handshake.encrypt(key.public);
    this.#handshake.mix(Curve.sharedKey(key.private, theirs));
    const payload = this.#handshake.encrypt(chain);
    const serverHello = { ephemeral: this.#ephemeral.public, static: encrypted_key, payload };
    return proto.HandshakeMessage.encode({ serverHello }).finish();
  }

  /** Who the client is, and what it wants. From here on `encrypt` and `decrypt` work. */
  finish(frame: Uint8Array): NoiseClient {
    const final = proto.HandshakeMessage.decode(frame).clientFinish;
    if (!final?.static || !final.payload) throw new Error('Not the end of a handshake');
    const key = this.#handshake.decrypt(final.static);
    this.#handshake.mix(Curve.sharedKey(this.#ephemeral.private, key));
    const payload = proto.ClientPayload.decode(this.#handshake.decrypt(final.payload));
    const [read, write] = this.#handshake.split();
    this.#read = { key: read, counter: 0 };
    this.#write = { key: write, counter: 0 };
    return { key, payload };
  }

  encrypt(plaintext: Uint8Array): Buffer {
    if (!this.#write) throw new Error('The handshake is not over');
    return aesEncryptGCM(plaintext, this.#write.key, nonce(this.#write.counter++), NO_DATA);
  }

  decrypt(ciphertext: Uint8Array): Buffer {
    if (!this.#read) throw new Error('The handshake is not over');
    return aesDecryptGCM(ciphertext, this.#read.key, nonce(this.#read.counter++), NO_DATA);
  }
}
