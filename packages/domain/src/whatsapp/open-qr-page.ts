import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { hashLinkToken, makeLinkToken } from '../platform/link-token.ts';
import { parseInput } from '../platform/parse.ts';
import { audit, codesUnavailable, type LiveCtx, openSession } from './door-ctx.ts';
import { sessionRef } from './session-schemas.ts';

/** How long a page shows the codes of its session. */
export const QR_PAGE_MS = 600_000;

/**
 * A token for the page that shows an admin's session to whoever holds the phone, without a login. Throws
 * `whatsapp.session_not_found`, `workspace.forbidden`, `whatsapp.codes_unavailable`.
 */
export async function openQrPage(
  ctx: UserCtx & Pick<LiveCtx, 'qr_pages'>,
  input: z.input<typeof sessionRef>,
): Promise<{ token: string; expires_at: string }> {
  const { session_id } = parseInput(sessionRef, input);
  await openSession(ctx, session_id, 'admin');
  const token = makeLinkToken();
  const expires_at = new Date(ctx.clock().getTime() + QR_PAGE_MS).toISOString();
  const page = { session_id, user_id: ctx.actor.user_id };
  await ctx.qr_pages.put(hashLinkToken(token) ?? '', page, QR_PAGE_MS).catch((cause: unknown) => {
    throw codesUnavailable(cause);
  });
  await audit(ctx, session_id, 'whatsapp_session.open_qr_page', { expires_at });
  return { token, expires_at };
}
