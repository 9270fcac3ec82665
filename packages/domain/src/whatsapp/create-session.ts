import { withContext } from '@potentia/db/context';
import { createWhatsappSession } from '@potentia/db/whatsapp/session-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { once, type Once } from '../platform/idempotency.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { newId } from '../platform/uuid.ts';
import { asSession } from './as-session.ts';
import { createSessionBody, MAX_SESSIONS, type WhatsappSession } from './session-schemas.ts';

/**
 * Makes the card of a session, which nobody runs yet and which has no QR code. Exactly once per `Idempotency-Key`. Throws
 * `workspace.not_found`, `workspace.forbidden` (admins may), `whatsapp.too_many_sessions`.
 */
export async function createSession(
  ctx: UserCtx,
  input: z.input<typeof createSessionBody>,
): Promise<Once<WhatsappSession>> {
  const { workspace_id = null, ...fields } = parseInput(createSessionBody, input);
  const { user_id } = ctx.actor;
  const { result, replayed } = await fromDb(() =>
    withContext(ctx.db, { user_id }, (tx) =>
      once(ctx, tx, 'whatsapp_session.create', input, () =>
        createWhatsappSession(tx, {
          ...{ user_id, session_id: newId(), workspace_id, fields },
          limit: MAX_SESSIONS,
          request_id: ctx.request_id,
        }),
      ),
    ),
  );
  if (!replayed) publishOutboxHint(ctx);
  return { result: asSession(result), replayed };
}
