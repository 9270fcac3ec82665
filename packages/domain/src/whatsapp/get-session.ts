import { getWhatsappSession } from '@potentia/db/whatsapp/session-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { asSession } from './as-session.ts';
import { sessionRef, type WhatsappSession } from './session-schemas.ts';

/** One card. Throws `whatsapp.session_not_found`, to guests too. */
export async function getSession(ctx: UserCtx, input: z.input<typeof sessionRef>): Promise<WhatsappSession> {
  const { session_id } = parseInput(sessionRef, input);
  return asSession(await fromDb(() => getWhatsappSession(ctx.db, { user_id: ctx.actor.user_id, session_id })));
}
