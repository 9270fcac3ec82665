import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** A key of AES-256, named so that what it sealed says which key opens it. */
export interface EncryptionKey {
  kid: string;
  /** 32 bytes. */
  key: Uint8Array;
}

/** Keeps what must be read again, but never be read by whoever sees the database, the queue or a log. */
export interface Sealer {
  /** `v1.<kid>.<iv>.<tag>.<ciphertext>`, base64url. `purpose` is bound to it: text sealed for one opens for no other. */
  seal(text: string, purpose: string): string;
  /** Throws `SealError` when the key is not known, the purpose another, or the text was changed. */
  open(sealed: string, purpose: string): string;
}

/** Something sealed cannot be opened. */
export class SealError extends Error {
  override readonly name = 'SealError';
}

const VERSION = 'v1';
const IV_BYTES = 12;

/**
 * AES-256-GCM (NIST SP 800-38D) with random nonces. The first key seals, all open: to rotate, put the new key in front
 * and keep the old ones for as long as something that they sealed lives. Throws RangeError for a key that is not 32 bytes.
 */
export function createSealer(keys: readonly [EncryptionKey, ...EncryptionKey[]]): Sealer {
  const by_kid = new Map(keys.map(({ kid, key }) => [kid, key]));
  for (const { kid, key } of keys) if (key.length !== 32) throw new RangeError(`the key ${kid} must have 32 bytes`);
  const [active] = keys;
  const bound = (kid: string, purpose: string): Buffer => Buffer.from(`${VERSION}.${kid}.${purpose}`);

  return {
    seal(text, purpose) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', active.key, iv).setAAD(bound(active.kid, purpose));
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return [VERSION, active.kid, ...[iv, cipher.getAuthTag(), sealed].map((part) => part.toString('base64url'))].join(
        '.',
      );
    },
    open(sealed, purpose) {
      const [version, kid = '', iv = '', tag = '', text = ''] = sealed.split('.');
      const key = by_kid.get(kid);
      if (version !== VERSION || !key) throw new SealError(`sealed with a key that is not known`);
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64url'), { authTagLength: 16 });
        decipher.setAAD(bound(kid, purpose)).setAuthTag(Buffer.from(tag, 'base64url'));
        return Buffer.concat([decipher.update(Buffer.from(text, 'base64url')), decipher.final()]).toString('utf8');
      } catch (error) {
        throw new SealError('sealed for another purpose, or changed since', { cause: error });
      }
    },
  };
}
