import { createDecipheriv, createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';

const BLOCK = 16;
/** Of the encrypted file: the first bytes of its HMAC. */
const MAC_BYTES = 10;

export interface MediaSecrets {
  iv: Uint8Array;
  cipher_key: Uint8Array;
  mac_key: Uint8Array;
  /** Of the file as it is meant. */
  sha256: Uint8Array | null;
}

/** It is not the file that was sent, and will not be when it is fetched again. */
export class MediaCorruptError extends Error {
  override readonly name = 'MediaCorruptError';
}
export class MediaTooLargeError extends Error {
  override readonly name = 'MediaTooLargeError';
}

/**
 * Decrypts a file of WhatsApp as it passes: AES-256-CBC with ten bytes of HMAC-SHA256 over IV and ciphertext behind it. It fails at its
 * end when the HMAC or the hash is another one, and in the middle with more than `max_bytes`: whoever stores it keeps nothing then.
 */
export function decryptMedia({ iv, cipher_key, mac_key, sha256 }: MediaSecrets, max_bytes: number): Transform {
  const decipher = createDecipheriv('aes-256-cbc', cipher_key, iv);
  const hmac = createHmac('sha256', mac_key).update(iv);
  const hash = createHash('sha256');
  let size = 0;
  // The MAC is known by its place at the end alone.
  let tail = Buffer.alloc(0);

  const pass = (stream: Transform, plain: Buffer): void => {
    size += plain.length;
    if (size > max_bytes) throw new MediaTooLargeError('the file is too large');
    hash.update(plain);
    if (plain.length > 0) stream.push(plain);
  };
  const guarded = (done: TransformCallback, work: () => void): void => {
    try {
      work();
      done();
    } catch (error) {
      done(error as Error);
    }
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      guarded(done, () => {
        const bytes = Buffer.concat([tail, chunk]);
        const cut = Math.max(0, bytes.length - MAC_BYTES);
        tail = Buffer.from(bytes.subarray(cut));
        const ciphertext = bytes.subarray(0, cut);
        hmac.update(ciphertext);
        pass(this, decipher.update(ciphertext));
      });
    },
    flush(done) {
      guarded(done, () => {
        const mac = hmac.digest().subarray(0, MAC_BYTES);
        if (tail.length !== MAC_BYTES || !timingSafeEqual(mac, tail)) throw new MediaCorruptError('the MAC differs');
        pass(this, decipher.final());
        if (sha256 && !hash.digest().equals(sha256)) throw new MediaCorruptError('the hash differs');
      });
    },
  });
}

/** The most bytes that the encrypted form of so many has. */
export const encryptedSize = (bytes: number): number => (Math.floor(bytes / BLOCK) + 1) * BLOCK + MAC_BYTES;
