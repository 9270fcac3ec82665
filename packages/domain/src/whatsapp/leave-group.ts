import type { z } from 'zod';
import { parseInput } from '../platform/parse.ts';
import { askOwner, audit, type DoorCtx, LIVE_TIMEOUT_MS, part } from './door-ctx.ts';
import { groupRef } from './door-schemas.ts';

/** Throws `whatsapp.session_not_found`, `whatsapp.group_not_found`, `worker.*`, `whatsapp.not_connected`. */
export async function leaveGroup(ctx: DoorCtx, input: z.input<typeof groupRef>): Promise<void> {
  const { session_id, group_id } = parseInput(groupRef, input);
  const path = `/groups/${part(group_id)}/leave`;
  await askOwner(ctx, session_id, 'member', { method: 'POST', path, body: {}, timeout_ms: LIVE_TIMEOUT_MS });
  await audit(ctx, session_id, 'whatsapp_group.leave', { group_id });
}
