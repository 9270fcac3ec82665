import type { z } from 'zod';
import { parseInput } from '../platform/parse.ts';
import { askOwner, type DoorCtx, LIVE_TIMEOUT_MS } from './door-ctx.ts';
import { type CheckedContacts, checkContactsInput } from './door-schemas.ts';

/** Which numbers are on WhatsApp. Throws `whatsapp.session_not_found`, `worker.*`, `whatsapp.not_connected`. */
export async function checkContacts(ctx: DoorCtx, input: z.input<typeof checkContactsInput>): Promise<CheckedContacts> {
  const { session_id, ...body } = parseInput(checkContactsInput, input);
  const asked = { method: 'POST', path: '/contacts/check', body, timeout_ms: LIVE_TIMEOUT_MS } as const;
  return askOwner(ctx, session_id, 'member', asked);
}
