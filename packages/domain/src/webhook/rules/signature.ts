import { createHmac, timingSafeEqual } from 'node:crypto';

/*
 * Signatures by the Standard Webhooks specification (symmetric, `v1`): HMAC-SHA256 over `id.timestamp.body`, in base64.
 * What customers get and what our own services tell each other is signed by this, each with secrets of their own.
 */

const SECRET_PREFIX = 'whsec_';
const VERSION = 'v1';
/** Seconds that the clocks of the two ends may differ, and a message may be on its way. */
export const TOLERANCE_S = 300;
/** Signatures of one message that are looked at: a few during a rotation, and no more. */
const MAX_SIGNATURES = 10;

export interface SignedMessage {
  /** `webhook-id`: the same for every attempt. */
  id: string;
  /** `webhook-timestamp`: seconds since 1970, of this attempt. */
  timestamp: number;
  body: string | Uint8Array;
}

/** How a secret is shown: `whsec_` and base64. */
export const formatSecret = (key: Uint8Array): string => SECRET_PREFIX + Buffer.from(key).toString('base64');

/** The value of `webhook-signature`: one signature for each of the secrets, the newest first. */
export function signWebhook(message: SignedMessage, secrets: readonly [string, ...string[]]): string {
  return secrets.map((secret) => `${VERSION},${hmac(message, secret).toString('base64')}`).join(' ');
}

/** The three headers of a signed request. */
export const signedHeaders = (message: SignedMessage, secrets: readonly [string, ...string[]]) => ({
  'webhook-id': message.id,
  'webhook-timestamp': String(message.timestamp),
  'webhook-signature': signWebhook(message, secrets),
});

export type Verdict =
  | { valid: true }
  | { valid: false; reason: 'headers_missing' | 'timestamp_invalid' | 'too_old' | 'too_new' | 'mismatch' };

export interface VerifyOptions {
  /** As received; names in lower case. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The bytes as received, before anything parsed them. */
  body: string | Uint8Array;
  /** Any of them may have signed. */
  secrets: readonly string[];
  now: Date;
  tolerance_s?: number;
}

/**
 * Whether a request was signed with one of the secrets, and lately. A message may come more than once: whoever receives
 * it must remember `webhook-id` for as long as it can be repeated. Compares in constant time.
 */
export function verifyWebhook({ headers, body, secrets, now, tolerance_s = TOLERANCE_S }: VerifyOptions): Verdict {
  const [id, sent_at, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map(
    (name) => headers[name],
  );
  if (typeof id !== 'string' || typeof sent_at !== 'string' || typeof signatures !== 'string' || id === '')
    return { valid: false, reason: 'headers_missing' };
  if (!/^\d{1,12}$/.test(sent_at)) return { valid: false, reason: 'timestamp_invalid' };
  const timestamp = Number(sent_at);
  const age_s = now.getTime() / 1_000 - timestamp;
  if (age_s > tolerance_s) return { valid: false, reason: 'too_old' };
  if (age_s < -tolerance_s) return { valid: false, reason: 'too_new' };

  const expected = secrets.map((secret) => hmac({ id, timestamp, body }, secret));
  let matches = false;
  for (const signature of signatures.split(' ').slice(0, MAX_SIGNATURES)) {
    const [version, text = ''] = signature.split(',');
    if (version !== VERSION) continue;
    const given = Buffer.from(text, 'base64');
    for (const digest of expected) {
      if (given.length === digest.length && timingSafeEqual(given, digest)) matches = true;
    }
  }
  return matches ? { valid: true } : { valid: false, reason: 'mismatch' };
}

function hmac({ id, timestamp, body }: SignedMessage, secret: string): Buffer {
  const key = Buffer.from(secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : secret, 'base64');
  // An empty key signs too, and anybody could.
  if (key.length < 16) throw new RangeError('a secret of webhooks needs 16 bytes or more, in base64');
  return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
}
