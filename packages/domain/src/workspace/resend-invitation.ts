import { currentTraceparent } from '@potentia/config/telemetry';
import { resendInvitation as sendAgain } from '@potentia/db/workspace/invitation-queries';
import type { z } from 'zod';
import { once, type Once } from '../platform/idempotency.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { invitationRef, type Invitation } from './invitation-schemas.ts';
import { makeToken } from './invitation-token.ts';
import { asInviter, countInvitation, INVITATION_TTL_S, type InviteCtx } from './invite-ctx.ts';

/**
 * Sends an invitation once more: with a new token (the old one ends), a new end, and under the name of who sends it now.
 * Revives one that ran out. Throws `invitation.not_found`, `invitation.not_pending`, and what inviting throws.
 */
export async function resendInvitation(
  ctx: InviteCtx,
  input: z.input<typeof invitationRef>,
): Promise<Once<Invitation>> {
  const { invitation_id, ...place } = parseInput(invitationRef, input);
  const sent = await asInviter(ctx, place, (tx) =>
    once(ctx, tx, 'invitation.resend', input, async () => {
      const row = await sendAgain(tx, {
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
