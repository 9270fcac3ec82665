import { expireToolCalls as markExpired } from '@potentia/db/agent/tool-call-queries';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { inBatches } from '../platform/forget-records.ts';

/**
 * Marks calls that waited too long for the person's word, and those whose process did not live, in batches. Nothing waits for it:
 * whoever reads or confirms one looks at its end.
 */
export async function expireToolCalls({ db }: Pick<Ctx, 'db'>): Promise<{ expired: number }> {
  return { expired: await inBatches((limit) => fromDb(() => markExpired(db, limit))) };
}
