import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { AppError } from '../platform/errors.ts';

interface Cost {
  n: number;
  r: number;
  p: number;
}

/** OWASP's least for scrypt with 16 MiB: some 150 ms of one core. Each hash says what it was made with. */
const COST: Cost = { n: 2 ** 14, r: 8, p: 5 };
const KEY_BYTES = 32;
const SALT_BYTES = 16;

/** So many at once: each takes a thread of the four that all file and name look-ups of the process share. */
const MAX_RUNNING = 2;
/** So many wait for their turn, some two seconds; whoever comes after them is to come again. */
const MAX_WAITING = 24;
const RETRY_AFTER_MS = 2_000;
let running = 0;
const waiting: (() => void)[] = [];

/** `scrypt$n$r$p$salt$key`, base64url. Throws `share_link.busy` (unavailable), as `verifyPassword` does. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const key = await derive(password, salt, COST);
  return ['scrypt', COST.n, COST.r, COST.p, salt.toString('base64url'), key.toString('base64url')].join('$');
}

/** Whether this is the password; in constant time. Throws for text that `hashPassword` did not make. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const [scheme, n, r, p, salt = '', key = ''] = stored.split('$');
  const expected = Buffer.from(key, 'base64url');
  if (scheme !== 'scrypt' || expected.length !== KEY_BYTES) throw new Error('no hash of a password');
  const given = await derive(password, Buffer.from(salt, 'base64url'), { n: Number(n), r: Number(r), p: Number(p) });
  return timingSafeEqual(given, expected);
}

/** The same word typed on two keyboards can be two sequences of code points. */
const bytesOf = (password: string): Buffer => Buffer.from(password.normalize('NFC'));

async function derive(password: string, salt: Buffer, { n: N, r, p }: Cost): Promise<Buffer> {
  if (waiting.length >= MAX_WAITING) {
    const meta = { retry_after_ms: RETRY_AFTER_MS };
    throw new AppError('unavailable', 'share_link.busy', 'Too many passwords are being checked', meta);
  }
  if (running >= MAX_RUNNING) await new Promise<void>((go) => waiting.push(go));
  else running += 1;
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      scrypt(bytesOf(password), salt, KEY_BYTES, { N, r, p, maxmem: 256 * N * r }, (error, key) => {
        if (error) reject(error);
        else resolve(key);
      });
    });
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}
