import { createHash, randomBytes } from 'node:crypto';
import type { Sealer } from '../platform/seal.ts';

const BYTES = 32;

/** SHA-256 in hex: all that is kept of a token. */
export const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex');

/** What a token is sealed for, on its way from the outbox to the mail. */
export const sealPurpose = (invitation_id: string): string => `invitation:${invitation_id}`;

/** A new token of 256 random bits, as what is stored of it and as what travels to the mail. */
export function makeToken(sealer: Sealer, invitation_id: string): { token_hash: string; sealed_token: string } {
  const token = randomBytes(BYTES).toString('base64url');
  return { token_hash: hashToken(token), sealed_token: sealer.seal(token, sealPurpose(invitation_id)) };
}
