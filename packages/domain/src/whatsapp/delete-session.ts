import { currentTraceparent } from '@potentia/config/telemetry';
import { deleteWhatsappSession } from '@potentia/db/whatsapp/session-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { parseInput } from '../platform/parse.ts';
import { sessionRef } from './session-schemas.ts';

/**
 * From now on there is no such session. A worker unlinks it and deletes what it keeps of it, messages and media too; the card is
 * the last to go. Throws `whatsapp.session_not_found`, `workspace.forbidden` (admins may).
 */
export async function deleteSession(ctx: UserCtx, input: z.input<typeof sessionRef>): Promise<void> {
  const { session_id } = parseInput(sessionRef, input);
  await fromDb(() =>
    deleteWhatsappSession(ctx.db, {
      ...{ user_id: ctx.actor.user_id, session_id, request_id: ctx.request_id },
      traceparent: currentTraceparent() ?? null,
    }),
  );
  publishOutboxHint(ctx);
}
