import { getMessage as selectMessage } from '@potentia/db/chat/message-queries';
import type { z } from 'zod';
import type { UserCtx } from '../platform/ctx.ts';
import { fromDb } from '../platform/db-errors.ts';
import { parseInput } from '../platform/parse.ts';
import { messageRef, type CitedMessage } from './message-schemas.ts';

/** One message of the caller's, an answer with what it rests on. Throws `chat.message_not_found`. */
export function getMessage(ctx: UserCtx, input: z.input<typeof messageRef>): Promise<CitedMessage> {
  const { message_id } = parseInput(messageRef, input);
  return fromDb(() => selectMessage(ctx.db, { user_id: ctx.actor.user_id, message_id }));
}
