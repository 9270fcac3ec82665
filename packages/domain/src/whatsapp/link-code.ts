import { createHash, randomInt } from 'node:crypto';

/** No two look alike on a phone: without 0, O, 1 and I. `app.whatsapp_codes` finds these in a text. */
const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const LENGTH = 10;

/**
 * A new code to link a phone with, such as `K7QXM-2P9RT`: 50 random bits, short enough to be typed, and with a digit, so that no word is
 * taken for one.
 */
export function makeLinkCode(): string {
  const code = Array.from({ length: LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return /[2-9]/.test(code) ? `${code.slice(0, LENGTH / 2)}-${code.slice(LENGTH / 2)}` : makeLinkCode();
}

/** SHA-256: all that is kept of a code. As in `app.use_whatsapp_code`. */
export const hashLinkCode = (code: string): Buffer =>
  createHash('sha256')
    .update(`whatsapp.link:${code.replaceAll('-', '')}`)
    .digest();
