import { z } from 'zod';
import type { Cache } from './cache.ts';
import { AppError } from './errors.ts';
import type { OutboxJob } from './outbox.ts';

/** The outbox topic of what the cache must forget, written with the change. */
export const CACHE_INVALIDATE = 'cache.invalidate';
export const invalidateCachePayload = z.strictObject({ namespace: z.string().min(1) });

/**
 * Tells the cache, again if whoever made the change could not. Throws `unavailable` while Redis is away, so that the job
 * waits for it.
 */
export async function invalidateCache(
  { cache }: { cache: Cache },
  { payload }: OutboxJob<z.infer<typeof invalidateCachePayload>>,
): Promise<void> {
  if (await cache.invalidate(payload.namespace)) return;
  throw new AppError('unavailable', 'platform.cache_unavailable', 'The cache cannot be told');
}
