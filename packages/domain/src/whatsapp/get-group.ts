import type { z } from 'zod';
import { parseInput } from '../platform/parse.ts';
import { askOwner, type DoorCtx, LIVE_TIMEOUT_MS, part } from './door-ctx.ts';
import { groupRef, type WhatsappGroup } from './door-schemas.ts';

/** A group with its participants. Throws `whatsapp.session_not_found`, `whatsapp.group_not_found`, `worker.*`, `whatsapp.not_connected`. */
export async function getGroup(ctx: DoorCtx, input: z.input<typeof groupRef>): Promise<WhatsappGroup> {
  const { session_id, group_id } = parseInput(groupRef, input);
  const path = `/groups/${part(group_id)}`;
  return askOwner(ctx, session_id, 'member', { method: 'GET', path, timeout_ms: LIVE_TIMEOUT_MS });
}
