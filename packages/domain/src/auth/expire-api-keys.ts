import { expireApiKeys as endExpired } from '@potentia/db/auth/api-key-queries';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { inBatches } from '../platform/forget-records.ts';

/** Ends the memberships of API keys that ran out, in batches. Nothing waits for it: no door lets such a key in. */
export async function expireApiKeys({ db }: Pick<Ctx, 'db'>): Promise<{ expired: number }> {
  return { expired: await inBatches((limit) => fromDb(() => endExpired(db, limit))) };
}
