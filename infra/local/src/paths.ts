import { createHash } from 'node:crypto';
import path from 'node:path';

/** The checkout. */
export const root = path.resolve(import.meta.dirname, '../../..');
/** Everything that running leaves behind, but for a Postgres whose user cannot come here (see `postgres.ts`). */
export const local_dir = path.join(root, '.local');
export const bin_dir = path.join(root, 'node_modules', '.bin');
/** Tells checkouts on one machine apart, where they share a place. */
export const checkout_id = createHash('sha256').update(root).digest('hex').slice(0, 10);

/** The log of one service or step, under `.local/log`. */
export const logFile = (name: string): string => path.join(local_dir, 'log', `${name}.log`);
