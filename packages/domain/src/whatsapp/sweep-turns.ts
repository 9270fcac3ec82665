import { sweepWhatsappTurns } from '@potentia/db/whatsapp/partner-queries';
import type { Ctx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { publishOutboxHint } from '../platform/outbox.ts';

/** The queue of the look for chats that wait although nobody is at work. */
export const WHATSAPP_SWEEP_TURNS = 'whatsapp.sweep_turns';

const AFTER_MS = 20_000;
const LIMIT = 500;

/** Wakes chats whose job was lost, and forgets what has served its purpose. Answers how many it woke. */
export async function sweepTurns(ctx: Pick<Ctx, 'db' | 'bus' | 'log'>): Promise<number> {
  const woken = await fromDb(() => sweepWhatsappTurns(ctx.db, { after_ms: AFTER_MS, limit: LIMIT }));
  if (woken > 0) {
    publishOutboxHint(ctx);
    ctx.log.warn({ woken }, 'chats on WhatsApp waited, and nobody was at work');
  }
  return woken;
}
