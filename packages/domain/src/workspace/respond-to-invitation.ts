import { currentTraceparent } from '@potentia/config/telemetry';
import { withContext } from '@potentia/db/context';
import { respondToInvitation as answer } from '@potentia/db/workspace/invitation-queries';
import type { z } from 'zod';
import { publishAccess } from '../canvas/publish.ts';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { once, type Once } from '../platform/idempotency.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { respondInput, type canvasAnswer, type workspaceAnswer } from './invitation-schemas.ts';
import { hashToken } from './invitation-token.ts';
import { publishWorkspaceAccess } from './publish.ts';

type Answer = z.infer<typeof workspaceAnswer> | z.infer<typeof canvasAnswer>;

/**
 * Accepts or rejects an invitation, by the token of its mail or by its id; all or nothing, and once. Says what the caller
 * now has. Throws `invitation.not_found`, `invitation.wrong_address` (forbidden), `invitation.expired`,
 * `invitation.not_pending` (answered, revoked, sent anew, or the inviter may no longer give it),
 * `invitation.already_member`, `workspace.seats_full`. Exactly once per `Idempotency-Key`.
 */
export async function respondToInvitation(ctx: UserCtx, input: z.input<typeof respondInput>): Promise<Once<Answer>> {
  const { kind, token, invitation_id = null, response } = parseInput(respondInput, input);
  const { user_id } = ctx.actor;
  const token_hash = token === undefined ? null : hashToken(token);
  const answered = await fromDb(() =>
    withContext(ctx.db, { user_id }, (tx) =>
      once(ctx, tx, 'invitation.respond', input, async () => {
        const traceparent = currentTraceparent();
        const request = { kind, token_hash, invitation_id, response, request_id: ctx.request_id, traceparent };
        return (await answer(tx, { user_id, ...request })) as Answer;
      }),
    ),
  );
  const { result } = answered;
  if ('workspace' in result && result.workspace) publishWorkspaceAccess(ctx, result.workspace.id, user_id);
  if ('canvas' in result && result.canvas) publishAccess(ctx, result.canvas.id, user_id);
  publishOutboxHint(ctx);
  return answered;
}
