import type { z } from 'zod';
import { parseInput } from '../platform/parse.ts';
import { type DoorCtx, part, readFromWorker } from './door-ctx.ts';
import { type MediaDownload, messageRef } from './door-schemas.ts';

/** Where the file of a message is. Throws `whatsapp.session_not_found`, `whatsapp.message_not_found`, `whatsapp.media_*`, `worker.*`. */
export async function getMessageMedia(ctx: DoorCtx, input: z.input<typeof messageRef>): Promise<MediaDownload> {
  const { session_id, message_id } = parseInput(messageRef, input);
  return readFromWorker(ctx, session_id, `/messages/${part(message_id)}/media`);
}
