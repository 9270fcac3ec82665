import { createWhatsappLinkCode } from '@potentia/db/whatsapp/partner-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { newId } from '../platform/uuid.ts';
import { hashLinkCode, makeLinkCode } from './link-code.ts';
import { createLinkInput, type LinkCode } from './link-schemas.ts';

/** How long a code can be used. */
const LIFE_MS = 600_000;

/**
 * A code that links the phone which writes it to a session to this person. There is one at a time for a person and session: asked again,
 * the one before is none any more, also under the same `Idempotency-Key`, since a code is kept nowhere. Throws
 * `whatsapp.session_not_found` for who is not a member of its workspace, `whatsapp.not_connected` when it has no number yet, `request.invalid`
 * when it is not clear which session is meant.
 */
export async function createLink(ctx: UserCtx, input: z.input<typeof createLinkInput>): Promise<LinkCode> {
  const { session_id = null, open_session_id } = parseInput(createLinkInput, input);
  const code = makeLinkCode();
  const { session, expires_at } = await fromDb(() =>
    createWhatsappLinkCode(ctx.db, {
      user_id: ctx.actor.user_id,
      session_id,
      open_session_id,
      code_id: newId(),
      code_hash: hashLinkCode(code),
      life_ms: LIFE_MS,
      request_id: ctx.request_id,
    }),
  );
  publishOutboxHint(ctx);
  const text = `Potentia ${code}`;
  return { code, expires_at, session, text, url: `https://wa.me/${session.phone}?text=${encodeURIComponent(text)}` };
}
