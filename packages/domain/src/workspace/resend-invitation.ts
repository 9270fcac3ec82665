import { resendInvitation as sendAgain } from '@potentia/db/workspace/invitation-queries';
import type { z } from 'zod';
import type { Once } from '../platform/idempotency.ts';
import { parseInput } from '../platform/parse.ts';
import { invitationRef, type Invitation } from './invitation-schemas.ts';
import { type InviteCtx, sendInvitation } from './invite-ctx.ts';

/**
 * Sends an invitation once more: with a new token (the old one ends), a new end, and under the name of who sends it now.
 * Revives one that ran out. Throws `invitation.not_found`, `invitation.not_pending`, and what inviting throws.
 */
export async function resendInvitation(
  ctx: InviteCtx,
  input: z.input<typeof invitationRef>,
): Promise<Once<Invitation>> {
  const { invitation_id, ...place } = parseInput(invitationRef, input);
  return sendInvitation(ctx, { operation: 'invitation.resend', input, place, invitation_id }, sendAgain);
}
