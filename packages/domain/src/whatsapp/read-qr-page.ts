import type { z } from 'zod';
import type { Ctx } from '../platform/ctx.ts';
import { AppError } from '../platform/errors.ts';
import { hashLinkToken } from '../platform/link-token.ts';
import { parseInput } from '../platform/parse.ts';
import { codesUnavailable, type LiveCtx, openSession, readCode } from './door-ctx.ts';
import { qrPageBody, type QrPageState } from './door-schemas.ts';
import type { LiveCode } from './live-codes.ts';
import type { SessionStatus } from './schemas.ts';

/** What the page shows; the app draws the code. */
export type QrPageCodes = Omit<QrPageState, 'qr' | 'pairing_code'> & { qr: LiveCode | null; pairing: LiveCode | null };

/**
 * What a page shows now: the token is all that its reader has. Throws `whatsapp.page_not_found` for a token that is none, whose
 * time is over, or whose maker may not see the session any more; `whatsapp.codes_unavailable`.
 */
export async function readQrPage(
  ctx: Pick<Ctx, 'db'> & Pick<LiveCtx, 'live_codes' | 'qr_pages'>,
  input: z.input<typeof qrPageBody>,
): Promise<QrPageCodes> {
  const { token } = parseInput(qrPageBody, input);
  const token_hash = hashLinkToken(token);
  if (token_hash === undefined) throw noPage();
  const page = await ctx.qr_pages.read(token_hash).catch((cause: unknown) => {
    throw codesUnavailable(cause);
  });
  if (!page) throw noPage();
  const { user_id, session_id } = page;
  const { session } = await openSession({ db: ctx.db, actor: { type: 'user', user_id } }, session_id, 'admin').catch(
    (error: unknown) => {
      throw error instanceof AppError && error.kind !== 'unavailable' ? noPage() : error;
    },
  );
  const [qr, pairing] = await Promise.all([readCode(ctx, 'qr', session_id), readCode(ctx, 'pairing', session_id)]);
  const { name, status_reason } = session;
  return { name, status: session.status as SessionStatus, status_reason, qr, pairing };
}

const noPage = (): AppError => new AppError('not_found', 'whatsapp.page_not_found', 'This link is not valid any more.');
