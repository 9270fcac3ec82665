import { randomBytes } from 'node:crypto';
import type { Sealer } from '../platform/seal.ts';
import { formatSecret } from './rules/signature.ts';

/** Bytes of a secret; the specification wants 24 to 64. */
const SECRET_BYTES = 32;

const purposeOf = (webhook_id: string): string => `webhook.secret:${webhook_id}`;

/** A new secret of an endpoint, as its owner is shown it, and as it is stored. */
export function makeSecret(sealer: Sealer, webhook_id: string): { secret: string; sealed: string } {
  const secret = formatSecret(randomBytes(SECRET_BYTES));
  return { secret, sealed: sealer.seal(secret, purposeOf(webhook_id)) };
}

/** Throws `SealError`. */
export const openSecret = (sealer: Sealer, webhook_id: string, sealed: string): string =>
  sealer.open(sealed, purposeOf(webhook_id));
