import type { z } from 'zod';
import { parseInput } from '../platform/parse.ts';
import { type DoorCtx, readFromWorker } from './door-ctx.ts';
import { listMessagesInput, type MessagePage } from './door-schemas.ts';

/** Messages of a session or of one chat, the newest first. Throws `whatsapp.session_not_found`, `worker.*`. */
export async function listMessages(ctx: DoorCtx, input: z.input<typeof listMessagesInput>): Promise<MessagePage> {
  const { session_id, ...query } = parseInput(listMessagesInput, input);
  return readFromWorker(ctx, session_id, '/messages', query);
}
