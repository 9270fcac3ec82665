import type { z } from 'zod';
import { parseInput } from '../platform/parse.ts';
import {
  askOwner,
  audit,
  codesUnavailable,
  type DoorCtx,
  LIVE_TIMEOUT_MS,
  type LiveCtx,
  readCode,
} from './door-ctx.ts';
import { type PairingCodeAnswer, pairingCodeInput } from './door-schemas.ts';

/**
 * A code to type in on the phone of this number, in place of scanning, for admins. It is in no table and no log. Throws
 * `whatsapp.session_not_found`, `workspace.forbidden`, `worker.*`, and what the worker refuses: a session that is linked already.
 */
export async function requestPairingCode(
  ctx: DoorCtx & Pick<LiveCtx, 'live_codes'>,
  input: z.input<typeof pairingCodeInput>,
): Promise<PairingCodeAnswer> {
  const { session_id, phone } = parseInput(pairingCodeInput, input);
  const asked = { method: 'POST', path: '/pairing-code', body: { phone }, timeout_ms: LIVE_TIMEOUT_MS } as const;
  // The worker says when it has put one where codes are kept, and does not repeat it.
  await askOwner(ctx, session_id, 'admin', asked);
  const code = await readCode(ctx, 'pairing', session_id);
  if (!code) throw codesUnavailable(undefined);
  const { text, expires_at } = code;
  await audit(ctx, session_id, 'whatsapp_session.request_pairing_code', { expires_at });
  return { session_id, code: text, expires_at };
}
