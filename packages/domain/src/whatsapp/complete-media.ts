import type { z } from 'zod';
import { parseInput } from '../platform/parse.ts';
import { askOwner, type DoorCtx } from './door-ctx.ts';
import { mediaRef, type MediaAnswer } from './door-schemas.ts';

/** Confirms an upload. Twice is once. Throws `whatsapp.session_not_found`, `whatsapp.media_not_found`, `worker.*`, and what does not fit. */
export async function completeMedia(ctx: DoorCtx, input: z.input<typeof mediaRef>): Promise<MediaAnswer> {
  const { session_id, media_id } = parseInput(mediaRef, input);
  return askOwner(ctx, session_id, 'member', { method: 'POST', path: `/media/${media_id}/complete`, body: {} });
}
