import type { TestDatabase } from '@potentia/db/testing/database';
import type { Limiter } from '../../platform/limiter.ts';
import { createSealer } from '../../platform/seal.ts';
import { personCtx, type RecordedBus } from '../../platform/testing/person.ts';
import { sealPurpose } from '../invitation-token.ts';
import type { InviteCtx } from '../invite-ctx.ts';

export const test_sealer = createSealer([{ kid: 'test', key: new Uint8Array(32) }]);

/** Lets everybody through. */
const open_limiter: Limiter = {
  take: () =>
    Promise.resolve({ allowed: true, limit: 1, remaining: 1, reset_ms: 0, retry_after_ms: 0, source: 'local' }),
};

/** The context of somebody who invites or is invited. */
export function inviteCtx(
  database: TestDatabase,
  { user_id }: { user_id: string },
  overrides: Partial<InviteCtx> = {},
): InviteCtx & { bus: RecordedBus } {
  const ctx = { ...personCtx(database.db, user_id), limiter: open_limiter, sealer: test_sealer, ...overrides };
  return ctx as InviteCtx & { bus: RecordedBus };
}

/** The token in the last mail of an invitation. */
export async function tokenOf(database: TestDatabase, { id }: { id: string }): Promise<string> {
  const [row] = await database.asOwner<{ sealed: string }>(
    `select payload ->> 'sealed_token' as sealed from app.outbox
     where topic = 'mail.send' and payload ->> 'reference' = $1 order by id desc limit 1`,
    [id],
  );
  if (!row) throw new Error(`no mail of the invitation ${id}`);
  return test_sealer.open(row.sealed, sealPurpose(id));
}
