import type { z } from 'zod';
import { parseInput } from '../platform/parse.ts';
import { askOwner, type DoorCtx } from './door-ctx.ts';
import { typingInput } from './door-schemas.ts';

/** Shows a chat that something is being written or recorded. Throws `whatsapp.session_not_found`, `whatsapp.chat_not_found`, `worker.*`. */
export async function showTyping(ctx: DoorCtx, input: z.input<typeof typingInput>): Promise<void> {
  const { session_id, ...body } = parseInput(typingInput, input);
  await askOwner(ctx, session_id, 'member', { method: 'POST', path: '/typing', body });
}
