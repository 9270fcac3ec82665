import type { z } from 'zod';
import { parseInput } from '../platform/parse.ts';
import { type DoorCtx, readFromWorker } from './door-ctx.ts';
import { type ChatPage, listInput } from './door-schemas.ts';

/** Chats in which something was said, the latest first. Throws `whatsapp.session_not_found`, `worker.*`. */
export async function listChats(ctx: DoorCtx, input: z.input<typeof listInput>): Promise<ChatPage> {
  const { session_id, ...query } = parseInput(listInput, input);
  return readFromWorker(ctx, session_id, '/chats', query);
}
