import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { AppError } from '../platform/errors.ts';
import { parseInput } from '../platform/parse.ts';
import { type LiveCtx, openSession, readCode } from './door-ctx.ts';
import type { QrAnswer } from './door-schemas.ts';
import { sessionRef } from './session-schemas.ts';

/**
 * The QR code of now, for admins. It is a secret for as long as it lives. Throws `whatsapp.session_not_found`,
 * `workspace.forbidden`, `whatsapp.no_qr` with the session's status when it shows none, `whatsapp.codes_unavailable`.
 */
export async function getQr(
  ctx: UserCtx & Pick<LiveCtx, 'live_codes'>,
  input: z.input<typeof sessionRef>,
): Promise<QrAnswer> {
  const { session_id } = parseInput(sessionRef, input);
  const { session } = await openSession(ctx, session_id, 'admin');
  const code = await readCode(ctx, 'qr', session_id);
  if (code) return { session_id, qr: code.text, serial: code.serial, expires_at: code.expires_at };
  const { status, status_reason } = session;
  throw new AppError('conflict', 'whatsapp.no_qr', 'There is no QR code now.', { current: { status, status_reason } });
}
