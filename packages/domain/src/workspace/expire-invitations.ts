import { forgetMails } from '@potentia/db/platform/mail-queries';
import { expireInvitations as markExpired } from '@potentia/db/workspace/invitation-queries';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';

/** The periodic job of what ends by time. */
export const PLATFORM_EXPIRE = 'platform.expire';

const BATCH = 1_000;
const MAX_BATCHES = 50;
const KEEP_MAILS_MS = 90 * 24 * 3_600_000;

/** Marks invitations that ran out, and forgets mails of long ago, in batches; stops when nothing is left or it was much. */
export async function expireInvitations({ db, clock }: Pick<Ctx, 'db' | 'clock'>): Promise<{ expired: number }> {
  const before = new Date(clock().getTime() - KEEP_MAILS_MS).toISOString();
  let expired = 0;
  await inBatches(async () => {
    const marked = await fromDb(() => markExpired(db, BATCH));
    expired += marked;
    return marked;
  });
  await inBatches(() => fromDb(() => forgetMails(db, before, BATCH)));
  return { expired };
}

async function inBatches(work: () => Promise<number>): Promise<void> {
  for (let batch = 0; batch < MAX_BATCHES; batch += 1) if ((await work()) < BATCH) return;
}
