import { createInvitation, type InvitationPlace } from '@potentia/db/workspace/invitation-queries';
import type { z } from 'zod';
import type { Once } from '../platform/idempotency.ts';
import { parseInput } from '../platform/parse.ts';
import { newId } from '../platform/uuid.ts';
import { inviteToCanvasInput, inviteToWorkspaceInput, type Invitation } from './invitation-schemas.ts';
import { type InviteCtx, sendInvitation } from './invite-ctx.ts';

/**
 * Invites somebody to a workspace, by id or by address. Their mail, and where they have an account their event, follow.
 * Throws `workspace.not_found`, `workspace.forbidden` (admins may, up to their own role), `workspace.personal`,
 * `user.not_found`, `invitation.already_member`, `invitation.already_pending`, `invitation.domain_refused`,
 * `invitation.too_many`. Exactly once per `Idempotency-Key`.
 */
export function inviteToWorkspace(
  ctx: InviteCtx,
  input: z.input<typeof inviteToWorkspaceInput>,
): Promise<Once<Invitation>> {
  const { workspace_id, user_id = null, email = null, role } = parseInput(inviteToWorkspaceInput, input);
  return invite(ctx, { workspace_id }, { target_user_id: user_id, email, role }, input);
}

/**
 * Invites an address to one canvas. Throws `canvas.not_found`, `canvas.forbidden` (admins may, up to their own role),
 * `invitation.already_member` (who has that role or more), and what `inviteToWorkspace` throws.
 */
export function inviteToCanvas(ctx: InviteCtx, input: z.input<typeof inviteToCanvasInput>): Promise<Once<Invitation>> {
  const { canvas_id, email, role } = parseInput(inviteToCanvasInput, input);
  return invite(ctx, { canvas_id }, { target_user_id: null, email, role }, input);
}

function invite(
  ctx: InviteCtx,
  place: InvitationPlace,
  whom: { target_user_id: string | null; email: string | null; role: string },
  input: object,
): Promise<Once<Invitation>> {
  const sending = { operation: 'invitation.create', input, place, invitation_id: newId() };
  return sendInvitation(ctx, sending, (tx, row) => createInvitation(tx, { ...whom, ...row }));
}
