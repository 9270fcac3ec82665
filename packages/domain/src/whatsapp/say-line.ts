import { currentTraceparent } from '@potentia/config/telemetry';
import { getWhatsappLine, sayWhatsappLine } from '@potentia/db/whatsapp/partner-queries';
import { z } from 'zod';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';
import { id } from '../platform/schemas.ts';
import type { Sealer } from '../platform/seal.ts';
import { partnerSends } from './partner-sends.ts';
import { partnerLine } from './rules/partner-lines.ts';

/** The outbox topic of lines that are the same for everybody. */
export const WHATSAPP_SAY = 'whatsapp.say';
export const sayLinePayload = z.object({
  session_id: id,
  chat_id: id,
  /** Null: to somebody who is not linked. */
  user_id: id.nullable(),
  line: z.enum(['unlinked', 'linked', 'text_only', 'too_long', 'too_many']),
  idempotency_key: z.string(),
});

/** Has a session say a line; however often, it is one message. False: there is nobody any more to whom it would be said. */
export async function sayLine(
  ctx: Pick<Ctx, 'db' | 'bus' | 'request_id'> & { sealer: Sealer },
  { session_id, chat_id, user_id, line, idempotency_key: key }: z.output<typeof sayLinePayload>,
): Promise<boolean> {
  const known = await fromDb(() => getWhatsappLine(ctx.db, { session_id, chat_id, user_id }));
  if (known === null) return false;
  const text = line === 'unlinked' ? known.unlinked_reply : partnerLine(known.locale ?? 'en', line, known.email ?? '');
  if (text === null) return false;
  await fromDb(() =>
    sayWhatsappLine(ctx.db, {
      session_id,
      requested_by: known.requested_by,
      sends: partnerSends(ctx.sealer, { session_id, to: known.to, key, texts: [text] }),
      request_id: ctx.request_id,
      traceparent: currentTraceparent() ?? null,
    }),
  );
  publishOutboxHint(ctx);
  return true;
}
