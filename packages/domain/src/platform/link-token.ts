import { createHash, randomBytes } from 'node:crypto';

const TOKEN = /^[A-Za-z0-9_-]{43}$/;

/** What makes a link secret: 32 random bytes as base64url. */
export const makeLinkToken = (): string => randomBytes(32).toString('base64url');

/** What is stored in its place: SHA-256, hex. Undefined for what cannot be a token. */
export const hashLinkToken = (token: string): string | undefined =>
  TOKEN.test(token) ? createHash('sha256').update(token).digest('hex') : undefined;
