import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { type EncryptionKey, SealError } from '@potentia/domain/platform/seal';
import { BufferJSON } from '@whiskeysockets/baileys';

/** Keeps credentials and Signal keys from whoever sees the database. */
export interface KeySealer {
  /** The key that seals now. */
  kid: string;
  /** Of the keys that only open. */
  older_kids: string[];
  /** In base64: 12 bytes of nonce, 16 of tag, the ciphertext. Bound to the place of the value: moved elsewhere it does not open. */
  seal(value: unknown, session_id: string, type: string, id: string): string;
  /** Throws `SealError` when the key is not known, the place another, or the value was changed. */
  open(sealed: string, kid: string, session_id: string, type: string, id: string): unknown;
}

const IV_BYTES = 12;
const TAG_BYTES = 16;

/** AES-256-GCM (NIST SP 800-38D) over JSON as Baileys writes it. The first key seals, all open. */
export function createKeySealer(keys: readonly [EncryptionKey, ...EncryptionKey[]]): KeySealer {
  const by_kid = new Map(keys.map(({ kid, key }) => [kid, key]));
  const [active] = keys;
  const place = (kid: string, ...parts: string[]): Buffer => Buffer.from(JSON.stringify(['wa.v1', kid, ...parts]));
  return {
    kid: active.kid,
    older_kids: keys.slice(1).map(({ kid }) => kid),
    seal(value, session_id, type, id) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', active.key, iv).setAAD(place(active.kid, session_id, type, id));
      const sealed = [cipher.update(JSON.stringify(value, BufferJSON.replacer), 'utf8'), cipher.final()];
      return Buffer.concat([iv, cipher.getAuthTag(), ...sealed]).toString('base64');
    },
    open(sealed, kid, session_id, type, id) {
      const key = by_kid.get(kid);
      if (!key) throw new SealError('sealed with a key that is not known');
      const bytes = Buffer.from(sealed, 'base64');
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES), {
          authTagLength: TAG_BYTES,
        });
        decipher.setAAD(place(kid, session_id, type, id)).setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
        const text = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
        return JSON.parse(text.toString('utf8'), BufferJSON.reviver) as unknown;
      } catch (error) {
        throw new SealError('sealed for another place, or changed since', { cause: error });
      }
    },
  };
}
