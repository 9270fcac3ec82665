import type { z } from 'zod';
import { parseInput } from '../platform/parse.ts';
import { askOwner, type DoorCtx, LIVE_TIMEOUT_MS } from './door-ctx.ts';
import type { GroupList } from './door-schemas.ts';
import { sessionRef } from './session-schemas.ts';

/** The groups that the session is in, as WhatsApp has them now. Throws `whatsapp.session_not_found`, `worker.*`, `whatsapp.not_connected`. */
export async function listGroups(ctx: DoorCtx, input: z.input<typeof sessionRef>): Promise<GroupList> {
  const { session_id } = parseInput(sessionRef, input);
  return askOwner(ctx, session_id, 'member', { method: 'GET', path: '/groups', timeout_ms: LIVE_TIMEOUT_MS });
}
