import { createHash } from 'node:crypto';
import { currentTraceparent } from '@potentia/config/telemetry';
import { type Tx, withContext } from '@potentia/db/context';
import type { InvitationPlace, InvitationRow, resendInvitation } from '@potentia/db/workspace/invitation-queries';
import { writeCanvas } from '../canvas/canvas-queue.ts';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { once, type Once } from '../platform/idempotency.ts';
import type { Limit, Limiter } from '../platform/limiter.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import type { Sealer } from '../platform/seal.ts';
import type { Invitation } from './invitation-schemas.ts';
import { makeToken } from './invitation-token.ts';

/** What sending an invitation needs of the world. */
export type InviteCtx = UserCtx & { limiter: Limiter; sealer: Sealer };

/** How long an invitation can be answered, in seconds. */
const INVITATION_TTL_S = 7 * 24 * 3_600;

const HOUR_MS = 3_600_000;
/** Mails that a person, a workspace and an address send or get. */
const LIMITS = {
  inviter: { limit: 100, window_ms: HOUR_MS },
  workspace: { limit: 300, window_ms: HOUR_MS },
  address: { limit: 10, window_ms: 24 * HOUR_MS },
} satisfies Record<string, Limit>;

/** Runs `work` in one transaction, as somebody who may invite there: an admin of the workspace, or of the canvas. */
export function asInviter<T>(ctx: UserCtx, place: InvitationPlace, work: (tx: Tx) => Promise<T>): Promise<T> {
  const { user_id } = ctx.actor;
  const run = () => withContext(ctx.db, { user_id, ...place, needed_role: 'admin' }, work);
  return place.canvas_id === undefined ? fromDb(run) : writeCanvas(ctx, place.canvas_id, run);
}

/** What is written of an invitation that goes out. */
type Sending = Parameters<typeof resendInvitation>[1];

/**
 * Sends an invitation, for the first time or once more: `write` stores it with a new token, its mail beside it. Exactly once
 * per `Idempotency-Key` for this `operation` and `input`. Throws what `write` throws, and `invitation.too_many`.
 */
export async function sendInvitation(
  ctx: InviteCtx,
  {
    operation,
    input,
    place,
    invitation_id,
  }: { operation: string; input: object; place: InvitationPlace; invitation_id: string },
  write: (tx: Tx, sending: Sending) => Promise<InvitationRow>,
): Promise<Once<Invitation>> {
  const sent = await asInviter(ctx, place, (tx) =>
    once(ctx, tx, operation, input, async () => {
      const row = await write(tx, {
        ...makeToken(ctx.sealer, invitation_id),
        user_id: ctx.actor.user_id,
        place,
        invitation_id,
        ttl_seconds: INVITATION_TTL_S,
        request_id: ctx.request_id,
        traceparent: currentTraceparent(),
      });
      await countInvitation(ctx, row);
      return row as Invitation;
    }),
  );
  publishOutboxHint(ctx);
  return sent;
}

/**
 * Counts a mail that is about to go out. Called last in its transaction, so that only who may send it uses up anybody's
 * limit, and a refusal takes everything back. No key holds an address. Throws `invitation.too_many` (limit).
 */
async function countInvitation({ limiter, actor }: InviteCtx, invitation: InvitationRow): Promise<void> {
  // A tag behind a plus leads to the same mailbox with most providers, and there are as many as one likes.
  const whom = invitation.email?.replace(/\+.*@/, '@') ?? invitation.user_id ?? '';
  const keys = [
    ['inviter', actor.user_id],
    ['workspace', invitation.workspace_id],
    ['address', createHash('sha256').update(whom).digest('base64url')],
  ] as const;
  for (const [name, key] of keys) {
    const { allowed, retry_after_ms } = await limiter.take(`invite:${name}:${key}`, LIMITS[name]);
    if (allowed) continue;
    const message = {
      inviter: 'You have sent many invitations; wait a while before the next',
      workspace: 'This workspace has sent many invitations; wait a while before the next',
      address: 'Many invitations were sent to this person; wait a while before the next',
    }[name];
    throw new AppError('limit', 'invitation.too_many', message, { retry_after_ms, limit: name });
  }
}
