import type { CanvasScope } from '@potentia/db/canvas/queries';
import { withContext } from '@potentia/db/context';
import { createShareLink as insertShareLink } from '@potentia/db/share/queries';
import type { z } from 'zod';
import { writeCanvas } from '../canvas/canvas-queue.ts';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { once, type Once } from '../platform/idempotency.ts';
import { invalidField, parseInput } from '../platform/parse.ts';
import type { Sealer } from '../platform/seal.ts';
import { newId } from '../platform/uuid.ts';
import { hashPassword } from './password.ts';
import { createShareLinkInput, type CreatedShareLink } from './schemas.ts';
import { hashLinkToken, makeLinkToken } from '../platform/link-token.ts';

/** To what a token is sealed that a repeated request will be answered. */
const PURPOSE = 'share_link.create';

/**
 * Makes a link by which anybody reads the canvas, until it expires or is revoked. The answer is the only one that holds
 * the token; exactly once per `Idempotency-Key`, whose stored result holds it sealed.
 * Throws `request.invalid`, `canvas.not_found`, `canvas.forbidden` (admins may), `canvas.archived`, `share_link.too_many`,
 * `feature.disabled`.
 */
export async function createShareLink(
  ctx: UserCtx & { sealer: Sealer },
  input: z.input<typeof createShareLinkInput>,
): Promise<Once<CreatedShareLink>> {
  const { canvas_id, expires_at, password } = parseInput(createShareLinkInput, input);
  if (expires_at !== null && Date.parse(expires_at) <= ctx.clock().getTime()) {
    throw invalidField('/expires_at', 'Lies in the past');
  }
  const scope = { user_id: ctx.actor.user_id, canvas_id };
  const password_hash = password === null ? null : await hashForAdmin(ctx, scope, password);
  const token = makeLinkToken();
  // The password is not in what is hashed to know a repeated request by: that hash is a fast one.
  const request = { canvas_id, expires_at, has_password: password !== null };
  const { result, replayed } = await writeCanvas(ctx, canvas_id, () =>
    withContext(ctx.db, { ...scope, needed_role: 'admin' }, (tx) =>
      once(ctx, tx, 'share_link.create', request, async () => {
        const link = await insertShareLink(tx, {
          ...scope,
          share_link_id: newId(),
          token_hash: hashLinkToken(token) ?? '',
          last_four: token.slice(-4),
          password_hash,
          // With an offset of its own it may be one that Postgres does not know.
          expires_at: expires_at === null ? null : new Date(expires_at).toISOString(),
          request_id: ctx.request_id,
        });
        return { link, sealed_token: ctx.sealer.seal(token, PURPOSE) };
      }),
    ),
  );
  return { result: { ...result.link, token: ctx.sealer.open(result.sealed_token, PURPOSE) }, replayed };
}

/** Before the lock of the canvas, which nobody is to hold for as long as this takes; and for those alone who may. */
async function hashForAdmin(ctx: UserCtx, scope: CanvasScope, password: string): Promise<string> {
  await fromDb(() => withContext(ctx.db, { ...scope, needed_role: 'admin' }, () => Promise.resolve()));
  return hashPassword(password);
}
