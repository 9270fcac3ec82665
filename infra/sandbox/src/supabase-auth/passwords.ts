import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { AuthError, validationFailed } from './errors.ts';

const derive = promisify(scrypt) as (password: string, salt: Buffer, length: number) => Promise<Buffer>;

/** GoTrue's default, which supabase-js users know. */
const MIN_LENGTH = 6;
const MAX_LENGTH = 72;

/** Throws what GoTrue answers to a password that it does not take. */
export function checkPasswordStrength(password: string): void {
  if (password.length > MAX_LENGTH) {
    throw validationFailed(`Password cannot be longer than ${String(MAX_LENGTH)} characters`);
  }
  if (password.length < MIN_LENGTH) {
    throw new AuthError(422, 'weak_password', `Password should be at least ${String(MIN_LENGTH)} characters.`, {
      weak_password: { reasons: ['length'] },
    });
  }
}

/** `salt:key`, both base64url. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  return `${salt.toString('base64url')}:${(await derive(password, salt, 32)).toString('base64url')}`;
}

export async function isPassword(password: string, password_hash: string): Promise<boolean> {
  const [salt = '', key = ''] = password_hash.split(':').map((part) => Buffer.from(part, 'base64url'));
  return timingSafeEqual(await derive(password, Buffer.from(salt), 32), Buffer.from(key));
}
