import { claimIdempotencyKey, storeIdempotentResult } from '@potentia/db/platform/queries';
import type { Tx } from '@potentia/db/context';
import { hashJson } from './canonical-json.ts';
import type { UserCtx } from './ctx.ts';
import { AppError } from './errors.ts';

/** What a verb answered, and whether it had answered so before. */
export interface Once<T> {
  result: T;
  replayed: boolean;
}

/**
 * Runs `work` exactly once per `Idempotency-Key` of a person, in the transaction `tx` of the work itself: the key is
 * claimed first, so a second request at the same time waits for the first to commit and then answers what it answered.
 * When the work fails, the claim is rolled back with it. Without a key, just runs `work`.
 *
 * Throws `idempotency.key_reused` when the key was used for another operation or input.
 */
export async function once<T>(
  ctx: UserCtx,
  tx: Tx,
  operation: string,
  input: unknown,
  work: () => Promise<T>,
): Promise<Once<T>> {
  if (ctx.idempotency_key === undefined) return { result: await work(), replayed: false };
  const claim = { user_id: ctx.actor.user_id, key: ctx.idempotency_key };
  const request_hash = hashJson(input);
  const known = await claimIdempotencyKey(tx, { ...claim, operation, request_hash });
  if (known) {
    if (known.operation !== operation || known.request_hash !== request_hash) {
      throw new AppError('conflict', 'idempotency.key_reused', 'This Idempotency-Key was used for another request');
    }
    return { result: known.result as T, replayed: true };
  }
  const result = await work();
  await storeIdempotentResult(tx, { ...claim, result });
  return { result, replayed: false };
}
