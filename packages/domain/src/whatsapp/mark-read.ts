import type { z } from 'zod';
import { parseInput } from '../platform/parse.ts';
import { askOwner, type DoorCtx } from './door-ctx.ts';
import { markReadInput } from './door-schemas.ts';

/** Tells the senders that their messages were read. Throws `whatsapp.session_not_found`, `whatsapp.chat_not_found`, `worker.*`. */
export async function markRead(ctx: DoorCtx, input: z.input<typeof markReadInput>): Promise<void> {
  const { session_id, ...body } = parseInput(markReadInput, input);
  await askOwner(ctx, session_id, 'member', { method: 'POST', path: '/read', body });
}
