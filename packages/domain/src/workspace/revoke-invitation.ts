import { revokeInvitation as endInvitation } from '@potentia/db/workspace/invitation-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { invitationRef } from './invitation-schemas.ts';
import { asInviter } from './invite-ctx.ts';

/**
 * Takes an invitation back; its token ends at once. Twice is once. Throws `invitation.not_found`,
 * `invitation.not_pending` (it was answered), `….not_found` and `….forbidden` of its workspace or canvas.
 */
export async function revokeInvitation(ctx: UserCtx, input: z.input<typeof invitationRef>): Promise<void> {
  const { invitation_id, ...place } = parseInput(invitationRef, input);
  const { user_id } = ctx.actor;
  await asInviter(ctx, place, (tx) => endInvitation(tx, { user_id, place, invitation_id, request_id: ctx.request_id }));
  publishOutboxHint(ctx);
}
