import { getWhatsappSend } from '@potentia/db/whatsapp/door-queries';
import type { z } from 'zod';
import { fromDb } from '../platform/db-errors.ts';
import { AppError } from '../platform/errors.ts';
import { parseInput } from '../platform/parse.ts';
import { type DoorCtx, part, readFromWorker } from './door-ctx.ts';
import { messageRef, type WhatsappMessageAnswer } from './door-schemas.ts';
import type { WhatsappMessage } from './schemas.ts';
import { messageAnswer, waitingAnswer } from './send-message.ts';

/** A message, by either id; also one that waits here for a worker. Throws `whatsapp.session_not_found`, `whatsapp.message_not_found`. */
export async function getMessage(ctx: DoorCtx, input: z.input<typeof messageRef>): Promise<WhatsappMessageAnswer> {
  const { session_id, message_id } = parseInput(messageRef, input);
  try {
    const path = `/messages/${part(message_id)}`;
    return messageAnswer(await readFromWorker<WhatsappMessage>(ctx, session_id, path));
  } catch (error) {
    const is_unknown =
      error instanceof AppError && (error.code === 'whatsapp.message_not_found' || error.kind === 'unavailable');
    if (!is_unknown) throw error;
    const { user_id } = ctx.actor;
    const state = await fromDb(() => getWhatsappSend(ctx.db, { user_id, session_id, message_id }));
    if (!state) throw error;
    return waitingAnswer({ session_id, message_id }, state);
  }
}
