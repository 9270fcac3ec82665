import { currentTraceparent } from '@potentia/config/telemetry';
import { createInvitation, type InvitationPlace } from '@potentia/db/workspace/invitation-queries';
import type { z } from 'zod';
import { once, type Once } from '../platform/idempotency.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { newId } from '../platform/uuid.ts';
import { inviteToCanvasInput, inviteToWorkspaceInput, type Invitation } from './invitation-schemas.ts';
import { makeToken } from './invitation-token.ts';
import { asInviter, countInvitation, INVITATION_TTL_S, type InviteCtx } from './invite-ctx.ts';

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

async function invite(
  ctx: InviteCtx,
  place: InvitationPlace,
  whom: { target_user_id: string | null; email: string | null; role: string },
  input: object,
): Promise<Once<Invitation>> {
  const { user_id } = ctx.actor;
  const invitation_id = newId();
  const made = await asInviter(ctx, place, (tx) =>
    once(ctx, tx, 'invitation.create', input, async () => {
      const row = await createInvitation(tx, {
        ...whom,
        ...makeToken(ctx.sealer, invitation_id),
        user_id,
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
  return made;
}
