import type { z } from 'zod';
import { parseInput } from '../platform/parse.ts';
import { type DoorCtx, readFromWorker } from './door-ctx.ts';
import { type ContactPage, listInput } from './door-schemas.ts';

/** People that the session has met, in that order. Throws `whatsapp.session_not_found`, `worker.*`. */
export async function listContacts(ctx: DoorCtx, input: z.input<typeof listInput>): Promise<ContactPage> {
  const { session_id, ...query } = parseInput(listInput, input);
  return readFromWorker(ctx, session_id, '/contacts', query);
}
