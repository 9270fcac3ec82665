import { previewInvitation as selectPreview } from '@potentia/db/workspace/invitation-queries';
import type { z } from 'zod';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { previewBody, type InvitationPreview } from './invitation-schemas.ts';
import { hashToken } from './invitation-token.ts';

/**
 * What whoever holds a token may see before they sign in: the names of the workspace and of the inviter. Throws
 * `invitation.not_found`, `invitation.expired`, `invitation.not_pending`.
 */
export async function previewInvitation(
  ctx: Pick<Ctx, 'db'>,
  input: z.input<typeof previewBody>,
): Promise<InvitationPreview> {
  const { token } = parseInput(previewBody, input);
  return fromDb(() => selectPreview(ctx.db, hashToken(token)));
}
