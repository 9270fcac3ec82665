import type { z } from 'zod';
import { parseInput } from '../platform/parse.ts';
import { askOwner, type DoorCtx } from './door-ctx.ts';
import { createMediaInput, type MediaUpload } from './door-schemas.ts';

/**
 * Announces a file that is to be sent, and answers where to upload it; `completeMedia` follows. Throws
 * `whatsapp.session_not_found`, `worker.*`, and what the worker refuses: a type or size that is not taken.
 */
export async function createMedia(ctx: DoorCtx, input: z.input<typeof createMediaInput>): Promise<MediaUpload> {
  const { session_id, ...body } = parseInput(createMediaInput, input);
  return askOwner(ctx, session_id, 'member', { method: 'POST', path: '/media', body });
}
