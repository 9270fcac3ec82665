import { randomBytes } from 'node:crypto';

/** A key for a new object: random, so that it tells nothing of whose it is. */
export const newObjectKey = (folder: 'attachments' | 'transfers'): string =>
  `${folder}/${randomBytes(24).toString('base64url')}`;
