import { currentTraceparent } from '@potentia/config/telemetry';
import { updateWhatsappSession } from '@potentia/db/whatsapp/session-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { asSession } from './as-session.ts';
import { updateSessionInput, type WhatsappSession } from './session-schemas.ts';

/**
 * Changes name, settings or the line for strangers; with `expected_version` only if it still is at that. Throws
 * `whatsapp.session_not_found`, `workspace.forbidden` (admins may), `whatsapp.version_conflict` with the current card.
 */
export async function updateSession(ctx: UserCtx, input: z.input<typeof updateSessionInput>): Promise<WhatsappSession> {
  const { session_id, expected_version = null, ...patch } = parseInput(updateSessionInput, input);
  const row = await fromDb(() =>
    updateWhatsappSession(ctx.db, {
      ...{ user_id: ctx.actor.user_id, session_id, expected_version, patch },
      request_id: ctx.request_id,
      traceparent: currentTraceparent() ?? null,
    }),
  );
  publishOutboxHint(ctx);
  return asSession(row);
}
