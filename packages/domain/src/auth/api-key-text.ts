import { hash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** How every API key begins, so that people and scanners of secrets know one. The log knows it too (`logger.ts`). */
export const API_KEY_PREFIX = 'pot_';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SECRET_BYTES = 32;
/** Characters in which 32 bytes fit, and 32 bits. */
const [SECRET_LENGTH, CHECKSUM_LENGTH] = [43, 6];
const FORM = new RegExp(`^${API_KEY_PREFIX}([0-9A-Za-z]{${SECRET_LENGTH}})([0-9A-Za-z]{${CHECKSUM_LENGTH}})$`);

/** Base 62: one word in every terminal, URL and editor. */
function toBase62(value: bigint, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest /= 62n) text = ALPHABET.charAt(Number(rest % 62n)) + text;
  return text;
}

const checksum = (secret: string): string => toBase62(BigInt(crc32(secret)), CHECKSUM_LENGTH);

/** `pot_`, 32 random bytes, and a checksum by which what is no key is known without asking anybody. */
export function makeApiKey(): string {
  const secret = toBase62(BigInt(`0x${randomBytes(SECRET_BYTES).toString('hex')}`), SECRET_LENGTH);
  return `${API_KEY_PREFIX}${secret}${checksum(secret)}`;
}

/** Whether a text has the form of a key, checksum and all; whether there is such a key is another question. */
export function isApiKey(text: string): boolean {
  const [, secret = '', sum] = FORM.exec(text) ?? [];
  return sum !== undefined && checksum(secret) === sum;
}

/**
 * SHA-256 in hex, under which a key is found. It needs no salt and no slow hash, since nobody guesses 256 random bits; and
 * no comparison in constant time, since how long the look-up of a hash takes tells nothing of the key that it is of.
 */
export const hashApiKey = (key: string): string => hash('sha256', key, 'hex');

/** What of a key may be shown, to tell it from others. */
export const shownOf = (key: string): { prefix: string; last_four: string } => ({
  prefix: key.slice(0, API_KEY_PREFIX.length + 4),
  last_four: key.slice(-4),
});
