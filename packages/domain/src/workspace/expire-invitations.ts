import { expireInvitations as markExpired } from '@potentia/db/workspace/invitation-queries';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { inBatches } from '../platform/forget-records.ts';

/** Marks invitations that ran out, in batches. Nothing waits for it: whoever reads one looks at its end. */
export async function expireInvitations({ db }: Pick<Ctx, 'db'>): Promise<{ expired: number }> {
  return { expired: await inBatches((limit) => fromDb(() => markExpired(db, limit))) };
}
