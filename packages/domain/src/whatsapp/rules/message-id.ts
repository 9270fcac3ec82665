import { createHash } from 'node:crypto';

/** Of ids that this client of WhatsApp makes. */
const PREFIX = '3EB0';
const DIGEST_BYTES = 9;

/**
 * WhatsApp's id of a message that is sent under an idempotency key: the same for every attempt, whichever worker makes it,
 * so that a phone shows once what reached it twice.
 */
export function outboundMessageId(session_id: string, idempotency_key: string): string {
  const digest = createHash('sha256').update(`${session_id}:${idempotency_key}`).digest();
  return PREFIX + digest.subarray(0, DIGEST_BYTES).toString('hex').toUpperCase();
}
