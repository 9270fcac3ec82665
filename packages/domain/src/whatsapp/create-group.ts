import type { z } from 'zod';
import { parseInput } from '../platform/parse.ts';
import { askOwner, audit, type DoorCtx, LIVE_TIMEOUT_MS } from './door-ctx.ts';
import { createGroupInput, type WhatsappGroup } from './door-schemas.ts';

/** A new group. Not idempotent: WhatsApp makes another one each time. Throws `whatsapp.session_not_found`, `worker.*`, `whatsapp.not_connected`. */
export async function createGroup(ctx: DoorCtx, input: z.input<typeof createGroupInput>): Promise<WhatsappGroup> {
  const { session_id, ...body } = parseInput(createGroupInput, input);
  const asked = { method: 'POST', path: '/groups', body, timeout_ms: LIVE_TIMEOUT_MS } as const;
  const group = await askOwner<WhatsappGroup>(ctx, session_id, 'member', asked);
  await audit(ctx, session_id, 'whatsapp_group.create', { group_id: group.group_id });
  return group;
}
