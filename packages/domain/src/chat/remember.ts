import type { Tx } from '@potentia/db/context';
import { withContext } from '@potentia/db/context';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { rememberInput, type Remembered } from './memory-schemas.ts';

export type RememberInput = z.input<typeof rememberInput>;

/**
 * Remembers something of the caller. What says the same as something known changes nothing; of a preference, rule or fact
 * what was known of the same subject and attribute is superseded, and stays in its history. Relative dates in it get the
 * dates that they mean. Throws `memory.off` (precondition: the person has switched it off), `memory.too_many`,
 * `memory.too_many_pinned` (conflict).
 */
export function remember(ctx: UserCtx, input: RememberInput): Promise<Remembered> {
  const parsed = parseInput(rememberInput, input);
  return fromDb(() => withContext(ctx.db, { user_id: ctx.actor.user_id }, (tx) => rememberWithin(ctx, tx, parsed)));
}

/** The same in the transaction `tx` of something larger, which has the person's context. */
export function rememberWithin(_ctx: UserCtx, _tx: Tx, _input: z.output<typeof rememberInput>): Promise<Remembered> {
  return Promise.reject(new Error('not yet'));
}
